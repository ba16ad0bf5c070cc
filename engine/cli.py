"""The command line: every command, and what happens when one fails."""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from engine.commands import backtest, bench, demo, doctor, prices, read, show, sweep
from engine.faults import Failure, Fault, Note

#: Exit status of a program stopped from the keyboard: 128 and the number of the signal. Typer returns it, too.
_STOPPED = 130

app = typer.Typer(
    name="tocsin",
    help="Backtest what the news says: documents and prices in, trades with their evidence out.",
    epilog="Exit status: 0 done, 1 the work failed, 2 the input is at fault, 130 stopped from the keyboard, 143 by SIGTERM.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("read")(read.read)
app.add_typer(prices.app, name="prices")
app.command("backtest")(backtest.backtest)
app.command("sweep")(sweep.sweep)
app.command("status")(sweep.status)
app.command("why")(show.why)
app.command("report")(show.report)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"tocsin {version('tocsin')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Hold the options that belong to no command; without a command, show the help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        Left out, those that the program was started with.

    Returns
    -------
    int
        0 done, 1 the work failed, 2 the input is at fault, 130 stopped from the keyboard, 143 by SIGTERM.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    gc.set_threshold(
        50_000, 20, 50
    )  # what a command makes, it keeps: to look for garbage every 700 objects finds little
    try:
        with _notes_shown():
            status = app(given, prog_name="tocsin", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        status = _STOPPED
    except BrokenPipeError:  # the reader of our output has had enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _failed(*_said(error), given)
    if status == _STOPPED:
        return _failed("Stopped; nothing was written.", _STOPPED, given)
    return status if isinstance(status, int) else 0


@contextmanager
def _notes_shown() -> Iterator[None]:
    """Print what the user should know of the input as sentences on standard error, each once."""
    told: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always", Note)
        other = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if not issubclass(category, Note):
                other(message, category, *place, **more)
            elif str(message) not in told:
                told.add(str(message))
                sys.stderr.write(f"Note: {message}\n")

        warnings.showwarning = show
        yield


def _said(error: Exception) -> tuple[str, int]:
    """Say an error in one sentence, with the exit status that it calls for."""
    if isinstance(error, Fault):
        return str(error), 2
    if isinstance(error, Failure):
        return str(error), error.status
    if hasattr(error, "format_message"):  # the command line itself was misspelled
        return _usage(error), 2
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return (
            f"{where}{error.strerror or error}; see that the file can be read or the folder written, and that the disk has room.",
            1,
        )
    if isinstance(error, MemoryError):
        return "The memory does not suffice; use fewer assets or a shorter span.", 1
    if os.environ.get("TOCSIN_TRACEBACK"):
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return f"This is a bug in tocsin ({what}); run it again with TOCSIN_TRACEBACK=1 and report what it says.", 1


def _usage(error: Any) -> str:
    command = getattr(getattr(error, "ctx", None), "command_path", "tocsin")
    message = " ".join(error.format_message().split()).rstrip(".")
    return (
        f"{message}; `{command} --help` says what is allowed."
        if message
        else f"`{command} --help` says what is allowed."
    )


def _failed(sentence: str, status: int, given: list[str]) -> int:
    sys.stderr.write(sentence + "\n")
    if "--json" in given:
        sys.stdout.write(json.dumps({"error": sentence, "status": status}, ensure_ascii=False) + "\n")
    return status
