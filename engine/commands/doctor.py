"""`tocsin doctor`: what there is, what is missing, and how to get it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.commands.output import JsonFlag, answer, table, working


def doctor(
    warm: Annotated[
        bool, typer.Option("--warm", help="Also compile every installed strategy, so that later runs start at once.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Look at Python, packages, processors, the GPU and the cache of compiled code."""
    from engine.doctor import examine  # noqa: PLC0415 - numba is only loaded where there is work

    compiled = _warm() if warm else []
    found = examine()
    answer({**found, "compiled": compiled}, as_json, *_shown(found, compiled))
    if not found["healthy"]:
        raise typer.Exit(1)


def _warm() -> list[str]:
    """Compile what is not compiled yet, by running each strategy on the embedded data."""
    import numpy as np  # noqa: PLC0415

    from engine.backtest import backtest  # noqa: PLC0415
    from engine.compile import is_compiled  # noqa: PLC0415
    from engine.demo import sample_strategies  # noqa: PLC0415
    from engine.events import Events  # noqa: PLC0415
    from engine.market import Market  # noqa: PLC0415

    made = []
    with working("preparing the embedded market ..."):
        market, events = Market.sample(), Events.sample()
    for strategy in sample_strategies(market):
        if not is_compiled(type(strategy), np.float64, 1):
            backtest(strategy, market, events)
            made.append(strategy.name())
    return made


def _shown(found: dict[str, Any], compiled: list[str]) -> list[Any]:
    cache, packages = found["cache"], found["packages"]
    held = f"{cache['files']} files, {cache['bytes'] / 2**20:.1f} MiB; may be deleted at any time"
    rows = [
        ("tocsin", found["tocsin"] or "not installed as a distribution"),
        ("Python", f"{found['python']} on {found['platform']}"),
        ("packages", " · ".join(f"{name} {version or 'MISSING'}" for name, version in packages.items())),
        ("CPU", f"{found['threads']} threads"),
        ("GPU", found["gpu"]["says"]),
        (
            "cache",
            f"{cache['folder']} ({held if cache['writable'] else 'CANNOT BE WRITTEN: set TOCSIN_CACHE to a folder that can'})",
        ),
    ]
    if compiled:
        rows.append(("compiled", ", ".join(compiled)))
    parts: list[Any] = [table(("", "found"), rows)]
    for item in found["missing"]:
        parts.append(f"Missing: {item['what']}, for {item['why']}:\n    {item['get']}")
    parts.append("All is well." if found["healthy"] else "Tocsin cannot work like this; see above.")
    return parts
