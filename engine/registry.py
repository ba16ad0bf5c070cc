"""Strategies by name: those of installed packages, by entry point, and those of a user's own script."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.account import Account
from engine.faults import Fault
from engine.guess import did_you_mean
from engine.strategy import Strategy

GROUP = "tocsin.strategies"


def installed() -> dict[str, EntryPoint]:
    """Strategies that packages have declared in the entry point group "tocsin.strategies", by name, sorted."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def find_strategy(name: str) -> type[Strategy]:
    """Give the strategy of a name, or of a script.

    Parameters
    ----------
    name
        The name of an entry point, such as "short_bubble_warning"; or "path/to/script.py:ClassName". The class may be left
        out where the script defines a single strategy.

    Raises
    ------
    Fault
        Where there is none, or it cannot be loaded.
    """
    path, wanted = script_of(name)
    if path:
        return _of_script(Path(path), wanted)
    known = installed()
    if name not in known:
        listed = ", ".join(known) or "none: install tocsin again"
        raise Fault(
            f"strategy {name!r} is not installed{did_you_mean(name, known)}, installed are {listed}; "
            "name one of them, or path/to/script.py:ClassName."
        )
    try:
        found = known[name].load()
    except Exception as error:  # somebody else's package may fail in any way
        raise Fault(
            f"strategy {name!r}: {known[name].value} cannot be loaded ({_told(error)}); repair or remove its package."
        ) from error
    return _checked(found, f"strategy {name!r}: {known[name].value}")


def load_script(path: Path, wanted: str, what: str) -> Any:
    """Give what a script of a user's defines under a name; messages say `what` it shall be.

    Raises
    ------
    Fault
        Where there is no such script or name, or it cannot be loaded.
    """
    if not path.is_file():
        raise Fault(f"{what} script {str(path)!r} does not exist, allowed is path/to/script.py:name; check the path.")
    if not wanted:
        raise Fault(f"{what} script {str(path)!r} must be followed by a name; write {path}:name.")
    module = _module(path)
    if not hasattr(module, wanted):
        own = [name for name in vars(module) if not name.startswith("_")]
        raise Fault(f"{path} has no {wanted!r}{did_you_mean(wanted, own)}; name what is the {what}.")
    return getattr(module, wanted)


def script_of(name: str) -> tuple[str, str]:
    """Part the name of a strategy of a script into the script's path and the class; both are empty where it is of none.

    >>> script_of("my.pyfiles/own.py:Buy"), script_of("own.py"), script_of("sma_cross")
    (('my.pyfiles/own.py', 'Buy'), ('own.py', ''), ('', ''))
    """
    script, found, wanted = name.rpartition(".py:")
    if found:
        return f"{script}.py", wanted
    return (name, "") if name.endswith(".py") else ("", "")


def parse_settings(given: Sequence[str], strategy: type[Strategy]) -> tuple[dict[str, str], dict[str, Any]]:
    """Part settings as a command line gives them into the strategy's and the account's.

    Parameters
    ----------
    given
        Texts such as "hold=5" and "account.cash=50000".

    Returns
    -------
    strategy, account
        Settings by name; those of the strategy are still texts, which it parses itself.

    Raises
    ------
    Fault
        For a text without a name or a value, a name given twice, or a value of the account that is no number.
    """
    own: dict[str, str] = {}
    account: dict[str, Any] = {}
    of_account = [field.name for field in fields(Account)]
    for text in given:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name or not value:
            raise Fault(
                f"--set {text!r} is no setting, allowed is name=value; write it as hold=5 or account.cash=50000."
            )
        if name in own or name.removeprefix("account.") in account:
            raise Fault(f"--set {name} is given twice, allowed is once; leave one of them out.")
        if name.startswith("account."):
            account[name.removeprefix("account.")] = _account_value(name, value)
        elif name in of_account and name not in {**strategy.parameters, **strategy.options}:
            raise Fault(
                f"--set {name} is a setting of the account, not of {strategy.name()}; write account.{name}={value}."
            )
        else:
            own[name] = value
    return own, account


def _account_value(name: str, value: str) -> Any:
    types = {field.name: str(field.type) for field in fields(Account)}
    kind = types.get(name.removeprefix("account."), "Literal")
    if kind.startswith("Literal"):
        return value
    if "None" in kind and value.lower() in ("none", "off"):
        return None
    try:
        return float(value)
    except ValueError:
        raise Fault(f"--set {name} is {value!r}, allowed is a number; give one.") from None


def _of_script(path: Path, wanted: str) -> type[Strategy]:
    if not path.is_file():
        raise Fault(
            f"strategy script {str(path)!r} does not exist, allowed is path/to/script.py:ClassName; check the path."
        )
    module = _module(path)
    own = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    }
    if wanted:
        if not hasattr(module, wanted):
            raise Fault(
                f"{path} has no {wanted!r}{did_you_mean(wanted, own)}, it has {', '.join(own) or 'no strategy'}; name one."
            )
        return _checked(getattr(module, wanted), f"{path}:{wanted}")
    if len(own) != 1:
        raise Fault(
            f"{path} defines {', '.join(own) or 'no strategy'}, needed is one; name it, as in {path}:ClassName."
        )
    return next(iter(own.values()))


def _module(path: Path) -> ModuleType:
    name = path.stem
    if name in sys.modules:  # a script may be called like a module that is loaded already
        name = f"strategy script {path.resolve()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Fault(f"{path} cannot be loaded as Python; give a .py file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))  # as Python does for a script that it runs
    try:
        spec.loader.exec_module(module)
    except Fault as fault:
        raise Fault(f"{path}: {fault}") from fault
    except Exception as error:
        del sys.modules[name]
        raise Fault(f"{path} cannot be loaded ({_told(error, path)}); correct it.") from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def _told(error: Exception, path: Path | None = None) -> str:
    """Say an error of somebody else's code in one line: what, and on which line of `path`."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if path and Path(frame.filename).resolve() == path.resolve()]
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    reason = error.msg if isinstance(error, SyntaxError) else str(error).partition("\n")[0]
    return f"{type(error).__name__}: {reason}{f', line {line}' if line else ''}"


def _checked(found: Any, where: str) -> type[Strategy]:
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise Fault(f"{where} is {found!r}, allowed is a subclass of engine.Strategy; name one.")
    return found
