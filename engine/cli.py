"""The command line: every command, and what happens when one fails."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from types import FrameType
from typing import Annotated, Any

import typer

from engine.commands import backtest, bench, demo, doctor, events, prices, read, show, sweep
from engine.faults import Failure, Fault, Note
from engine.legible import escaped, printable

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
app.add_typer(events.app, name="events")
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
    _open_streams()
    with _stopping() as caught:
        try:
            _check_text(given)
            with _notes_shown():
                status = app(given, prog_name="tocsin", standalone_mode=False)
            sys.stdout.flush()
        except (KeyboardInterrupt, typer.Abort):
            status = _STOPPED
        except BrokenPipeError:  # the reader of our output has had enough, as `head` does
            _close_output()
            return 1
        except Exception as error:
            return _failed(*_said(error, given), given)
    if status == _STOPPED:
        number = caught[0] if caught else signal.SIGINT
        return _failed("Stopped before the end; no half-written file is left.", 128 + number, given)
    return status if isinstance(status, int) else 0


def _open_streams() -> None:
    """See that there is something to write to, and that a terminal that cannot show a character shows which it is."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as we are
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def _close_output() -> None:
    """Let nothing more be written to an output that takes nothing more, nor Python complain of it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check_text(given: list[str]) -> None:
    """Refuse arguments in another encoding, which no library that reads files would take."""
    for text in given:
        if not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
            raise Fault(f"{text!r} must be text in UTF-8 (it is in another encoding); rename what it names.")


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
                sys.stderr.write(f"Note: {printable(str(message))}\n")

        warnings.showwarning = show
        yield


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """Let a request to end, or a terminal that closes, stop a command as Ctrl-C does; give the signals that came."""
    caught: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        caught.append(number)
        raise KeyboardInterrupt

    asking = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        asking = []
    asking = [number for number in asking if signal.getsignal(number) is signal.SIG_DFL]
    for number in asking:
        signal.signal(number, stop)
    try:
        yield caught
    finally:
        for number in asking:
            signal.signal(number, signal.SIG_DFL)


def _said(error: Exception, given: list[str]) -> tuple[str, int]:
    """Say an error in one sentence, with the exit status that it calls for."""
    if isinstance(error, Fault):
        return str(error), 2
    if isinstance(error, Failure):
        return str(error), error.status
    if hasattr(error, "format_message"):  # the command line itself was misspelled
        return _usage(error, given), 2
    from engine.places import system_error  # noqa: PLC0415 - only where something failed

    if isinstance(error, OSError) or system_error(error) is not None:
        number, file = system_error(error), getattr(error, "filename", None)
        cause = os.strerror(number) if number is not None else str(error)
        where = f"{file}: " if file else ""
        return (
            f"{where}{cause}; see that the file can be read or the folder written, and that the disk has room.",
            1,
        )
    if isinstance(error, MemoryError):
        return "The memory does not suffice; use fewer assets or a shorter span.", 1
    if os.environ.get("TOCSIN_TRACEBACK"):
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return f"This is a bug in tocsin ({what}); run it again with TOCSIN_TRACEBACK=1 and report what it says.", 1


def _usage(error: Any, given: list[str]) -> str:
    message = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".")
    if name := getattr(error, "option_name", "") if hasattr(error, "possibilities") else "":
        near = get_close_matches(name, error.possibilities or (), n=1)
        message = f"No such option {name!r}" + (f". Did you mean {near[0]!r}?" if near else "")
    says = f"`{_command(error, given)} --help` says what is allowed."
    return f"{message}{' ' if message.endswith('?') else '; '}{says}" if message else says


def _command(error: Any, given: list[str]) -> str:
    """Name the command that was misspelled; where the parser does not say, by the words before its first option."""
    if context := getattr(error, "ctx", None):
        return str(context.command_path)
    groups = ("prices", "events")
    names, path = {command.name for command in app.registered_commands} | {*groups}, ["tocsin"]
    path += [word for word in given[:1] if word in names]
    path += [word for word in given[1:2] if given[0] in groups and word == "import"]
    return " ".join(path)


def _failed(sentence: str, status: int, given: list[str]) -> int:
    with suppress(OSError):  # nobody to tell
        sys.stderr.write(printable(sentence) + "\n")
    if "--json" in given:
        document = json.dumps({"error": sentence, "status": status}, ensure_ascii=False)
        try:
            sys.stdout.write(escaped(document) + "\n")
            sys.stdout.flush()
        except OSError:  # as of the document itself, which is what is being told
            _close_output()
    return status
