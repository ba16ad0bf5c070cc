"""A strategy's rule -> compiled code.

The rule's source, the functions and numbers that it uses, and a generated `decide` that hands it what its arguments name go into
a module, which is written to a cache folder under a name that holds the hash of its text, of kernels/ and of the versions, and
compiled by numba with its cache on. kernels/walk.py is copied there under such a name too. So an edit anywhere is noticed (numba
itself would miss one in an imported file), a strategy from a script or a notebook is treated like ours, and a second process
starts without compiling.

Every number written in a rule becomes one of the run's precision, so that a float32 run has no float64 in it.
"""

from __future__ import annotations

import ast
import builtins
import copy
import gc
import hashlib
import importlib.util
import inspect
import math
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numba
import numpy as np
import numpy.typing as npt
from numba import cfunc

from engine.faults import Failure, Fault
from engine.files import in_one_step
from engine.guess import did_you_mean
from engine.strategy import Strategy
from kernels import jit, layout, steps, walk
from kernels.gpu import kernel_text
from kernels.layout import N_FIXED
from kernels.rules import KEEP

_FIXED = {"hold": "HOLD", "stop": "STOP", "trail": "TRAIL", "take": "TAKE"}
_SPARE = ("half_life",)  # becomes the decay in the parameter table

#: The width of a block that is a GPU's warp: each thread walks one of its lanes.
WARP = 0

_HEAD = '''"""{title}; generated, do not edit."""

import math

import numpy as np
from kernels import layout as at
from kernels.block import anyone
from kernels.jit import inner
from kernels.rules import KEEP, ONE, ZERO
from kernels.steps import WIDTH, of_width

Number_ = np.{precision}
DUST = Number_({dust})

'''

#: A weight of all other positions, by precision, beneath which it is what rounding left of none.
_DUST = {"float64": 1e-9, "float32": 1e-5}


def cache_folder() -> Path:
    """Where compiled strategies are kept: $TOCSIN_CACHE, or tocsin/ in the user's cache folder."""
    if chosen := os.environ.get("TOCSIN_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tocsin"


def kernels_folder() -> Path:
    """Where generated modules and compiled kernels are kept."""
    return cache_folder() / "compiled"


def unwritable(error: OSError) -> Failure:
    """Return what to raise where `kernels_folder` cannot be written."""
    return Failure(
        f"The cache folder {kernels_folder()} cannot be written ({error.strerror}); set TOCSIN_CACHE to one that can."
    )


def own_rows(strategy: type[Strategy]) -> list[str]:
    """Names of the rows that follow the fixed ones in the parameter table: parameters, then features."""
    own = [name for name in strategy.parameters if name not in _FIXED and name not in _SPARE]
    return own + [f"feature {name}" for name in strategy.features]


def rule_asks(strategy: type[Strategy]) -> list[str]:
    """Names of the arguments of the rule."""
    asked = inspect.getargs(_rule_of(strategy).__code__)
    return [*asked.args, *filter(None, (asked.varargs, asked.varkw))]


def lane_rows(strategy: type[Strategy], settings: Mapping[str, Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return the parameter table (row, lane) of one or many lanes: a number or an array (lane,) for each parameter.

    Features take the rows 0, 1, 2, ... of the bank.
    """
    half_life = np.asarray(settings["half_life"], np.float64)
    rows = [settings["hold"], settings["stop"], settings["trail"], settings["take"], 0.5 ** (1.0 / half_life)]
    rows += [settings[name] for name in own_rows(strategy) if name in settings]
    rows += list(range(len(strategy.features)))
    lanes = np.broadcast_arrays(*(np.atleast_1d(np.asarray(row, np.float64)) for row in rows))
    return np.ascontiguousarray(np.stack(lanes), np.dtype(dtype))


def path_gatherer() -> Callable[..., Any]:
    """Return the compiled `gather_path` of kernels/walk.py."""
    return _walk(1).gather_path  # type: ignore[no-any-return]


def compiled_run(strategy: type[Strategy], dtype: npt.DTypeLike, width: int = steps.WIDTH) -> Callable[..., None]:
    """Return `run` of kernels/walk.py with a strategy's `decide` in one precision; from the cache where it is there.

    Its blocks are `width` lanes wide: many lanes go side by side in wide ones, a single lane is quicker alone. No bit depends on it.
    """
    text = _of_width(source(strategy, dtype), width)
    try:
        pointer = _pointer(text, strategy.name(), width, np.dtype(dtype))
    except Exception as error:  # numba refuses a rule in many ways
        lines = [line.strip() for line in str(error).splitlines() if line.strip() and "nopython" not in line]
        raise Fault(
            f"{strategy.__name__}.rule cannot be compiled ({lines[0].rstrip(':') if lines else type(error).__name__}), allowed are "
            f"numbers, comparisons, math, min, max and abs; rewrite it."
        ) from error
    return partial(_run(width, np.dtype(dtype)), pointer, len(strategy.features))


@cache
def _run(width: int, dtype: np.dtype[Any]) -> Callable[..., None]:
    """Return `run` of kernels/walk.py, compiled for blocks of one width and one precision."""
    module = _walk(width)
    with _compiling():
        module.compile_walk(dtype)
    return module.run  # type: ignore[no-any-return]


@cache
def _walk(width: int) -> ModuleType:
    """Return kernels/walk.py, built for blocks of one width."""
    return _load(_of_width(inspect.getsource(walk), width), _titled("walk", width))


def _of_width(text: str, width: int) -> str:
    """Return a module's text with the steps of kernels/steps.py built for blocks of another width in their place."""
    if width == steps.WIDTH:
        return text
    return _agreeing(text, width).replace("from kernels.steps import", f"from {_steps(width).__name__} import")


def _agreeing(text: str, width: int) -> str:
    """Return a module's text in which the lanes of a block agree as blocks of a width do."""
    return text.replace("from kernels.block import", "from kernels.warp import") if width == WARP else text


@cache
def _steps(width: int) -> ModuleType:
    text = inspect.getsource(steps).replace(f"WIDTH = {steps.WIDTH}", f"WIDTH = {max(width, 1)}")
    return _load(_agreeing(text, width), _titled("steps", width))


def _titled(name: str, width: int) -> str:
    return name if width == steps.WIDTH else f"{name}_of_a_warp" if width == WARP else f"{name}_of_{width}"


@cache
def _pointer(text: str, name: str, width: int, dtype: np.dtype[Any]) -> Any:
    """Compile `decide` of a module; once a process, as every backtest and sweep asks for it.

    What is compiled for the first time on this machine takes a while, and is said.
    """
    titled = _titled(name, width)
    if not _is_kept(_place(text, titled)):
        sys.stderr.write(f"Compiling {name} in {dtype.name} for this machine, once ...\n")
    with _compiling():
        return cfunc(layout.decide_types(dtype), cache=True, error_model="numpy", _nrt=False)(
            _load(text, titled).decide
        )


@contextmanager
def _compiling() -> Iterator[None]:
    """Keep Python from looking for garbage, as it would often: a compiler makes many objects that stay."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


def is_compiled(strategy: type[Strategy], dtype: npt.DTypeLike, width: int = steps.WIDTH) -> bool:
    """Whether numba has compiled a strategy and the walk on this machine before, so that `compiled_run` answers at once."""
    texts = {strategy.name(): source(strategy, dtype), "walk": inspect.getsource(walk)}
    modules = [_place(_of_width(text, width), _titled(name, width)) for name, text in texts.items()]
    return all(map(_is_kept, modules))


def _is_kept(module: Path) -> bool:
    chosen = numba.config.CACHE_DIR  # as the environment says
    return any(Path(chosen or module.parent).glob(f"*/{module.stem}.*.nbc"))


def gpu_kernel(strategy: type[Strategy], dtype: npt.DTypeLike, assets: int, plan: layout.Plan) -> Callable[..., None]:
    """Return the CUDA kernel of a strategy as a plain function, for a GPU's compiler or the simulator; one lane a thread.

    The plan's constants are the kernel's: what it does not ask for is not in it. Its order of assets is an argument.
    """
    answers = _of_width(source(strategy, dtype), WARP)
    decide = _load(answers + "\ndecide = inner()(decide)\n", _titled(strategy.name(), WARP))
    rows, channels, features = N_FIXED + len(own_rows(strategy)), len(strategy.channels), len(strategy.features)
    text = kernel_text(
        strategy.name(),
        decide.__name__,
        _steps(WARP).__name__,
        _walk(WARP).__name__,
        dtype,
        assets,
        channels,
        rows,
        features,
        plan,
    )
    return _load(text, f"{strategy.name()}_kernel").kernel  # type: ignore[no-any-return]


def source(strategy: type[Strategy], dtype: npt.DTypeLike) -> str:
    """Return the text of the module that is compiled for a strategy."""
    precision = np.dtype(dtype).name
    head = _HEAD.format(
        title=f"What {strategy.name()} answers, in {precision}", precision=precision, dust=_DUST[precision]
    )
    return "\n".join([head, *_functions(strategy), _decide(strategy)])


def _functions(strategy: type[Strategy]) -> list[str]:
    """Return the sources of the rule and of every plain function it calls, in order of need.

    What they use of their modules is put in under names of our own, or as its value, so that no name of a user's can meet
    one of the generated module, or of another module of the user's.
    """
    parts: list[str] = []
    names: dict[int, str] = {}
    under_way: set[int] = set()

    def take(function: FunctionType, shown: str) -> str:
        if id(function) in under_way:
            raise Fault(
                f"{strategy.__name__}.{shown} calls itself, allowed are functions that do not; write it without."
            )
        if id(function) in names:
            return names[id(function)]
        under_way.add(id(function))
        written = _written(strategy, function, shown)
        put: dict[str, str | float] = {}
        for used in written.uses:
            value = _look_up(function, used)
            if any(value is known for known in (math, min, max, abs)):
                continue
            if isinstance(value, FunctionType):
                put[used] = take(value, used)
            elif isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
                put[used] = float(value)
            else:
                raise Fault(
                    f"{strategy.__name__}.{shown} uses {used!r}, allowed are numbers, plain functions of numbers, math, min, max "
                    f"and abs; compute it outside, and hand it in as a parameter, feature or trait."
                )
        name = "rule" if function is _rule_of(strategy) else f"helper_{len(names)}"
        names[id(function)] = name
        parts.append(written.text(name, put))
        under_way.remove(id(function))
        return name

    take(_rule_of(strategy), "rule")
    return parts


class _Written:
    """A function as it was written: what it uses, and its text with that put in, which stands until something is another."""

    def __init__(self, tree: ast.FunctionDef, code: CodeType) -> None:
        self.uses = sorted(_free_names(tree))
        self.code = code
        self._tree = tree
        self._last: tuple[str, str] = ("", "")

    def text(self, name: str, put: Mapping[str, str | float]) -> str:
        """Return the function's text under another name, with names and numbers in the place of what it uses."""
        asked = repr((name, put))  # tells -0.0 from 0.0
        last, text = self._last
        if last != asked:
            nodes = {k: ast.Name(v, ast.Load()) if isinstance(v, str) else ast.Constant(v) for k, v in put.items()}
            tree = _Typed().visit(_Put(nodes).visit(copy.deepcopy(self._tree)))
            tree.name = name
            text = f"@inner()\n{ast.unparse(ast.fix_missing_locations(tree))}\n"
            self._last = (asked, text)
        return text


#: Functions that are parsed already. A rule that is written anew is another function, or has another code.
_KNOWN: WeakKeyDictionary[FunctionType, _Written] = WeakKeyDictionary()


def _written(strategy: type[Strategy], function: FunctionType, shown: str) -> _Written:
    known = _KNOWN.get(function)
    if known is None or known.code is not function.__code__:
        known = _KNOWN[function] = _Written(_parsed(strategy, function, shown), function.__code__)
    return known


def _parsed(strategy: type[Strategy], function: FunctionType, shown: str) -> ast.FunctionDef:
    """Return a function's tree without decorators and annotations, or say why it cannot be a rule."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        raise Fault(
            f"The source of {strategy.__name__}.{shown} cannot be found, allowed is a function from a file or a notebook cell; "
            f"put it into one."
        ) from None
    tree = ast.parse("if 1:\n" + text if text[:1].isspace() else text).body[0]
    tree = tree.body[0] if isinstance(tree, ast.If) else tree
    if not isinstance(tree, ast.FunctionDef):
        raise Fault(f"{strategy.__name__}.{shown} is no `def`, allowed is a plain function; write it as one.")
    tree.decorator_list, tree.returns = [], None
    tree.args.args += tree.args.kwonlyargs
    tree.args.kwonlyargs, tree.args.kw_defaults = [], []
    for argument in tree.args.args:
        argument.annotation = None
    _Unannotated().visit(tree)
    if not _answers(tree.body) or any(isinstance(n, ast.Constant) and n.value is None for n in ast.walk(tree)):
        raise Fault(
            f"{strategy.__name__}.{shown} can end without an answer, allowed is a number on every path; end it with `return KEEP`."
        )
    return tree


def _rule_of(strategy: type[Strategy]) -> FunctionType:
    rule = inspect.getattr_static(strategy, "rule", None)
    rule = getattr(rule, "__func__", rule)
    if not isinstance(rule, FunctionType):
        raise Fault(
            f"{strategy.__name__} has no rule, allowed is a static method of numbers; write `@staticmethod def rule(...)`."
        )
    return rule


class _Unannotated(ast.NodeTransformer):
    """Make plain assignments of annotated ones."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        return ast.Assign([node.target], node.value) if node.value else ast.Pass()


class _Put(ast.NodeTransformer):
    """Put expressions in the place of names."""

    def __init__(self, put: Mapping[str, ast.expr]) -> None:
        self.put = put

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.put.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


class _Typed(ast.NodeTransformer):
    """Wrap every number in Number(...), the run's precision."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            shown = ast.Constant(str(node.value)) if math.isinf(node.value) else node
            return ast.Call(ast.Name("Number_", ast.Load()), [shown], [])
        return node


def _answers(body: list[ast.stmt]) -> bool:
    """Whether every path through `body` ends in a return."""
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and _answers(last.body) and _answers(last.orelse)
    return isinstance(last, ast.Return) and last.value is not None


def _free_names(tree: ast.FunctionDef) -> set[str]:
    own = {a.arg for a in tree.args.args}
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    own |= {n.id for n in names if isinstance(n.ctx, ast.Store)}
    return {n.id for n in names if isinstance(n.ctx, ast.Load)} - own


def _look_up(function: FunctionType, name: str) -> Any:
    if name in function.__code__.co_freevars:
        return inspect.getclosurevars(function).nonlocals[name]
    if name in function.__globals__:
        return function.__globals__[name]
    return getattr(builtins, name, KEEP if name == "KEEP" else None)


def _decide(strategy: type[Strategy]) -> str:
    """Return the source of `decide`: for every lane, the rule with what its arguments name."""
    arguments = rule_asks(strategy)
    rows = {name: i + N_FIXED for i, name in enumerate(own_rows(strategy))}
    before: list[str] = []  # once an asset and bar
    inside: list[str] = []  # once a lane
    meaning: dict[str, str] = {}
    for name in strategy.parameters:
        if name in rows:
            meaning[name] = f"params[{rows[name]}, j]"
    meaning |= {name: f"params[at.{row}, j]" for name, row in _FIXED.items()}
    for c, name in enumerate(strategy.channels):
        meaning[name] = f"decayed[{c}, j]"
        meaning[f"{name}_new"] = f"new_{name}"
        before.append(f"new_{name} = fresh[k, {c}] if k >= 0 else ZERO")
    for f, name in enumerate(strategy.features):
        meaning[name] = f"told[{f}, j]"
    for i, name in enumerate(strategy.traits):
        meaning[name] = f"trait[{i}]"
    meaning |= {
        "side": "side",
        "bars_held": "(now - lot[at.OPENED, j] if side != ZERO else ZERO)",
        "gain": "(side * (known / lot[at.ENTRY, j] - ONE) if side != ZERO else ZERO)",
        "others": "(ZERO if abs(rest) <= DUST else rest)",
    }
    for name in arguments:
        if name not in meaning:
            known = sorted(meaning)
            raise Fault(
                f"{strategy.__name__}.rule asks for {name!r}{did_you_mean(name, known)}, allowed are {', '.join(known)}; rename it, "
                f"or declare it as a parameter, channel, feature or trait."
            )
    asks = set(arguments)
    if asks & {"side", "bars_held", "gain", "others"}:
        inside.append("shares = lot[at.SHARES, j]")
        inside.append("side = ONE if shares > ZERO else (-ONE if shares < ZERO else ZERO)")
    if "others" in asks:
        inside.append("own = shares * known / lane[at.SIZING, j] if side != ZERO else ZERO")
        inside.append("rest = lane[at.NET, j] - own")
    call = ", ".join(meaning[name] for name in arguments)
    lines = ["def decide(now, known, k, fresh, trait, decayed, told, params, lane, lot):"]
    lines += [f"    {table} = of_width({table})" for table in ("decayed", "told", "params", "lane", "lot")]
    lines += [f"    {line}" for line in before]
    lines += ["    speaks = np.int32(0)", "    for j in range(WIDTH):"]
    lines += [f"        {line}" for line in inside]
    lines += [f"        answer = rule({call})"]
    lines += ["        lot[at.WISH, j] = answer", "        speaks = np.int32(speaks | np.int32(answer != KEEP))"]
    lines += ["    return anyone(speaks != 0)", ""]
    return "\n".join(lines)


@cache
def _fingerprint() -> str:
    """Hash of what a compiled walk depends on beside its own text: kernels/, numba, numpy, the processor, Python."""
    versions = (jit.fingerprint(), numba.__version__, np.__version__, platform.machine(), sys.version)
    return hashlib.sha256(repr(versions).encode()).hexdigest()


def _place(text: str, name: str) -> Path:
    """Return the file that a generated module goes into."""
    key = hashlib.sha256((text + _fingerprint()).encode()).hexdigest()[:20]
    return kernels_folder() / f"{name}_{key}.py"


@cache
def _load(text: str, name: str) -> ModuleType:
    path = _place(text, name)
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with in_one_step(path) as fresh:
                fresh.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(error) from None
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Failure(f"{path} cannot be loaded; delete it and run again.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
