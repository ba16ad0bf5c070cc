"""What the user got wrong, said in one sentence."""

from __future__ import annotations


class Fault(ValueError):
    """The input is at fault: the command line prints the sentence and exits with status 2.

    The message names the file or parameter, the value received, what is allowed, and what to do.
    """


class Failure(RuntimeError):
    """The work failed through no fault of the input: the command line prints the sentence and exits with `status`."""

    status = 1


class Stopped(Failure):
    """The work was stopped by a signal and can go on: 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, sentence: str, number: int) -> None:
        super().__init__(sentence)
        self.status = 128 + number

    def __reduce__(self) -> tuple[type[Stopped], tuple[str, int]]:
        return type(self), (str(self), self.status - 128)
