"""A job on Ray: one task a chunk, on as many machines and GPUs as there are; the same bits as on one."""

from __future__ import annotations

import io
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from engine.faults import Failure, Fault
from engine.jobs.chunks import Folder, to_parquet
from engine.jobs.work import Chunk, Walker, Work
from engine.summary import Summary

#: Tasks on their way for each that can run: the next is there when one ends, and results never pile up.
_AHEAD = 2
#: How often a chunk is tried when its worker is lost.
_RETRIES = 20
#: Chunks that are merged in one task.
_FAN = 16


def check_address(address: str) -> None:
    """Refuse what is no address of a cluster, or to look for one without Ray."""
    if address not in ("local", "auto") and not re.fullmatch(r"ray://[^/\s]+:\d+", address):
        raise Fault(f"--cluster is {address!r}, allowed are local, auto and ray://HOST:PORT; give one of them.")
    _ray()


def _ray() -> Any:
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError:
        raise Fault(
            "--cluster needs Ray, which is not installed; leave --cluster out, or install the extra: pip install 'tocsin[cluster]'."
        ) from None
    return ray


@contextmanager
def joined(address: str, walker: Walker, device: str, say: Callable[[str], None]) -> Iterator[Cluster]:
    """Start Ray here ("local") or join a cluster ("auto", "ray://host:port"); left again in the end."""
    ray = _ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing of a sweep is told to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # without it Ray warns of a change to come
    local = address == "local"
    with redirect_stdout(_Nowhere()):  # Ray prints there of each worker that dies, and so do we, in a sentence
        try:
            ray.init(
                address=address, log_to_driver=False, logging_level=logging.CRITICAL, configure_logging=True,
                **({"include_dashboard": False} if local else {}),
            )  # fmt: skip
        except Exception as error:
            raise Failure(
                f"--cluster {address!r} cannot be reached ({str(error).strip().splitlines()[0]}); see that it runs, or give local."
            ) from error
        try:
            yield Cluster(ray, walker, device, say)
        finally:
            ray.shutdown()


class _Nowhere(io.TextIOBase):
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


class _Lost(Exception):
    """A worker, or its machine, ended before its task did."""


class Cluster:
    """Walks chunks on the workers of a cluster.

    Parameters
    ----------
    ray : the module
    walker : of this process; the workers make their own of the same work
    device : "cpu", or a GPU, of which each task then has one
    """

    def __init__(self, ray: Any, walker: Walker, device: str, say: Callable[[str], None]) -> None:
        self._ray, self._walker, self._say = ray, walker, say
        on_gpu = device.startswith("cuda")
        kind = "GPU" if on_gpu else "CPU"
        self._slots = int(ray.cluster_resources().get(kind, 0))
        if self._slots < 1:
            raise Fault(
                f"--cluster has no {kind} to offer, needed is one or more; add a machine, or give another --device."
            )
        needs = {"num_gpus": 1, "num_cpus": 1} if on_gpu else {"num_cpus": 1}
        self._task = ray.remote(**needs, max_retries=0)(_walk)  # done again by ourselves, who say so
        self._merge = ray.remote(num_cpus=1, max_retries=_RETRIES)(_merge)
        self._device = "cuda" if on_gpu else "cpu"
        self._work = [
            ray.put(walker.work)
        ]  # in a list, so that a task gets the reference and reads the work once a process
        machines = sum(node["Alive"] for node in ray.nodes())
        say(
            f"On Ray: {self._slots:,} {kind}{'s' if self._slots > 1 else ''} of {machines:,} machine{'s' if machines > 1 else ''}."
        )

    def chunks(self, missing: list[int], stopping: Callable[[], bool]) -> Iterator[Chunk]:
        """Give chunks as they are finished."""
        left, under_way, lost = iter(missing), dict[Any, int](), Counter[int]()
        while True:
            while len(under_way) < self._slots * _AHEAD and not stopping() and (number := next(left, None)) is not None:
                under_way[self._started(number)] = number
            if not under_way:
                return
            ready = self._ray.wait(list(under_way), num_returns=1)[0][0]
            number = under_way.pop(ready)
            try:
                yield self._got(ready)
            except _Lost as error:
                lost[number] += 1
                if lost[number] > _RETRIES:
                    raise Failure(
                        f"Chunk {number} was lost with its worker {lost[number]} times ({error}); see what ends the workers."
                    ) from error
                self._say("A worker died; its chunk is done again.")
                under_way[self._started(number)] = number

    def _started(self, number: int) -> Any:
        return self._task.remote(self._work, number, self._device)

    def reduced(self, folder: Folder, chunks: list[tuple[int, Path]], check: Callable[[], None]) -> Summary:
        """Merge summaries as a tree: groups of chunks, then groups of groups, each in a task of its own."""
        layer: list[Any] = []
        for start in range(0, len(chunks), _FAN):
            check()
            group = [self._ray.put(folder.load(number, file)) for number, file in chunks[start : start + _FAN]]
            layer.append(self._merge.remote(self._work, group))
            if len(layer) >= self._slots * _AHEAD:  # no more groups in memory than are being merged
                self._ray.wait(layer, num_returns=len(layer) - self._slots * _AHEAD + 1)
            del group
        while len(layer) > 1:
            check()
            layer = [self._merge.remote(self._work, layer[i : i + _FAN]) for i in range(0, len(layer), _FAN)]
        try:
            return self._walker.summed(self._got(layer[0]))
        except _Lost as error:
            raise Failure(
                f"Workers died {_RETRIES} times while chunks were merged ({error}); see what ends them."
            ) from error

    def _got(self, reference: Any) -> Any:
        exceptions = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except exceptions.RayTaskError as error:
            cause = error.cause
            raise (
                cause if isinstance(cause, Exception) else Failure(f"A worker failed ({type(error).__name__}).")
            ) from None
        except exceptions.RayError as error:
            raise _Lost(type(error).__name__) from error


# In the workers

_HELD: dict[str, Walker] = {}


def _walker(work: list[Any], device: str) -> Walker:
    """Give this process's walker of a job, made when it is first asked for."""
    import ray  # noqa: PLC0415

    key = f"{work[0].hex()} {device}"
    if key not in _HELD:
        taken: Work = ray.get(work[0])
        where = f"The machine {ray.util.get_node_ip_address()}"
        taken.refuse_other_code(where)
        strategy = taken.load(where)
        _HELD.clear()
        _HELD[key] = Walker(taken, strategy, taken.plan.make(strategy), device, threads=1)
    return _HELD[key]


def _walk(work: list[Any], number: int, device: str) -> Chunk:
    return _walker(work, device).chunk(number)


def _merge(work: list[Any], parts: list[Any]) -> bytes:
    """Merge the summaries of chunks' files, or of what this made of some; one in memory at a time."""
    import ray  # noqa: PLC0415

    walker = _walker(work, "cpu")
    whole = walker.summary()
    for part in parts:
        whole.merge(walker.summed(ray.get(part)))
    return to_parquet(whole.to_table(), {})
