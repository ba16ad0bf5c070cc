"""`tocsin backtest`: one strategy, prices and events in, a folder with the run out."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.commands.output import DatesOption, DecimalOption, JsonFlag, answer, count, number, percent, table
from engine.faults import Fault

if TYPE_CHECKING:
    from engine.events import Events
    from engine.market import Market
    from engine.run import Run
    from engine.tables.spelling import Order
    from engine.tables.table import Decimal


def backtest(
    strategy: Annotated[
        str, typer.Argument(help="Name of an installed strategy, or path/to/script.py:ClassName.", metavar="STRATEGY")
    ],
    prices: Annotated[
        Path, typer.Option(help="A file that `tocsin prices import` wrote, or prices in any usual form.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the run.")],
    events: Annotated[
        Path | None, typer.Option(help="Table of events; strategies that use prices alone need none.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter or option of the strategy, or account.NAME; repeatable."
        ),
    ] = None,
    borrow: Annotated[
        Path | None, typer.Option(help="Table of asset, session, rate: the yearly borrow rate from that session on.")
    ] = None,
    delay: Annotated[str, typer.Option(help="Time to add to known_at, such as 15m or 1d.")] = "0s",
    as_of: Annotated[
        str | None, typer.Option(help="Use the labels as they stood at this time, such as 2025-12-01T00:00Z.")
    ] = None,
    dates: DatesOption = None,
    decimal: DecimalOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Backtest one strategy and write its run: run.json, orders, trades, equity, events and unplaced (Parquet)."""
    from engine.account import Account  # noqa: PLC0415 - polars and numba are only loaded where there is work
    from engine.backtest import backtest as run_backtest  # noqa: PLC0415
    from engine.borrow_table import read_borrow  # noqa: PLC0415
    from engine.market import Market  # noqa: PLC0415
    from engine.registry import find_strategy, parse_settings  # noqa: PLC0415
    from engine.staging import check_folder, staged  # noqa: PLC0415
    from engine.tables.frames import to_table  # noqa: PLC0415
    from engine.tables.table import Style  # noqa: PLC0415

    begun = time.perf_counter()
    check_folder(out)
    _refuse_others(out)
    kind = find_strategy(strategy)
    own, of_account = parse_settings(settings or (), kind)
    tables = {
        name: to_table(value, name, Style(dates, decimal))
        for name, value in own.items()
        if name in kind.options and kind.options[name].table
    }
    made, account = kind(**{**own, **tables}), Account.from_settings(of_account)
    rates = read_borrow(borrow, dates=dates, decimal=decimal, name="--borrow") if borrow else None
    known = _events(events, delay, as_of, dates, decimal) if events else None
    market = Market.read(prices, dates=dates, decimal=decimal)
    run = run_backtest(made, market, known, account, borrow=rates)
    run.info["files"] = {"prices": str(prices.absolute()), "events": str(events.absolute()) if events else None}
    stale = (out / "report.html").is_file() and (out / "run.json").is_file()
    with staged(out) as folder:
        run.write(folder)
    if stale:  # it tells of the run that was there before
        (out / "report.html").unlink()
    seconds = time.perf_counter() - begun
    answer({**summary(run), "out": out, "seconds": seconds}, as_json, *_shown(run, market, out, seconds))


def _refuse_others(out: Path) -> None:
    """Refuse a folder in which a run would take the place of somebody's files; those of an earlier run are ours."""
    from engine.run import FILES  # noqa: PLC0415

    taken = [name for name in FILES if (out / name).exists()]
    if taken and not _is_run(out / "run.json"):
        raise Fault(
            f"--out {str(out)!r} holds {taken[0]} and no run, allowed is a folder without {', '.join(FILES)}, or an earlier run's; "
            f"name another."
        )


def _is_run(file: Path) -> bool:
    """Whether a file is the run.json of a run."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"strategy", "metrics", "tocsin"} <= found.keys()


def summary(run: Run) -> dict[str, Any]:
    """Return what a run came to, for JSON."""
    refused = run.orders["status"].to_list().count("refused")
    return {
        "strategy": run.info["strategy"],
        "parameters": run.info["parameters"],
        "account": run.info["account"],
        "market": {name: value for name, value in run.info["market"].items() if name != "assets"},
        "metrics": run.metrics,
        "trades": run.trades.height,
        "refused": refused,
        "events": run.events.height,
        "unplaced": run.unplaced.to_dicts(),
    }


def _shown(run: Run, market: Market, out: Path, seconds: float) -> list[Any]:
    found = run.metrics
    label = f" · {run.info['market']['label']} prices" if "label" in run.info["market"] else ""
    pairs = [
        ("total return", percent(found["total_return"], 2), "closed trades", number(found["closed_trades"], 0)),
        ("CAGR", percent(found["cagr"], 2), "open trades", number(found["open_trades"], 0)),
        ("volatility", percent(found["volatility"]), "hit rate", percent(found["hit_rate"])),
        ("Sharpe", number(found["sharpe"]), "profit factor", number(found["profit_factor"])),
        ("max drawdown", percent(found["max_drawdown"]), "borrow fees", number(found["total_borrow"])),
        ("exposure", percent(found["exposure"]), "costs", number(found["total_costs"])),
    ]
    parts: list[Any] = [
        f"{run.info['strategy']}{label} · {count(len(market.assets), 'asset')}, {count(len(market.opens), 'bar')} of "
        f"{market.interval} on {market.calendar}, {market.sessions[0]} to {market.sessions[-1]} · {count(run.events.height, 'event')}",
        table(("metric", "value", "metric ", "value "), pairs, right=("value", "value ")),
    ]
    refused = run.orders["status"].to_list().count("refused")
    if refused:
        parts.append(f"{count(refused, 'entry', 'entries')} refused; orders.parquet says why.")
    if run.unplaced.height:
        first = run.unplaced.row(0, named=True)
        more = f", and {run.unplaced.height - 1} more" if run.unplaced.height > 1 else ""
        parts.append(f"Not acted on: {first['event_id']} ({first['reason']}){more}; unplaced.parquet lists them.")
    parts.append(f"Wrote {out} in {seconds:.1f} s. Next: tocsin why {out} [TRADE_ID], tocsin report {out}.")
    return parts


def _events(path: Path, delay: str, as_of: str | None, dates: Order | None, decimal: Decimal | None) -> Events:
    import datetime as dt  # noqa: PLC0415

    from engine.events import Events  # noqa: PLC0415

    events = Events.read(path, dates=dates, decimal=decimal)
    if as_of:
        from engine.reader.labels import as_of as labels_as_of  # noqa: PLC0415

        try:
            instant = dt.datetime.fromisoformat(as_of)
        except ValueError:
            raise Fault(
                f"--as-of is {as_of!r}, allowed is an instant with a zone; write it as 2025-12-01T00:00Z."
            ) from None
        events = labels_as_of(events, instant)
    return events.delayed(delay)
