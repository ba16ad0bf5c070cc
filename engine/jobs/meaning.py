"""What a value means, as one hash: data by what it holds, code by what it does, with everything that this code reaches.

A strategy may be commented, documented and laid out anew while a job waits, as none of that is computed. So the hash of a function
is that of its syntax tree, without docstrings, annotations and places, and of the values that the function uses: globals, closures,
defaults, other functions, attributes of the user's own modules. What comes with Python or with a package is told by its version.
"""

from __future__ import annotations

import ast
import copyreg
import hashlib
import importlib
import importlib.util
import inspect
import json
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import polars as pl

from engine.fingerprint import fingerprint
from engine.jobs.syntax import instructions, trees, uses
from engine.strategy import Option, Param, Strategy

#: What a class has that says nothing of what it does, or follows from the rest.
_OF_CLASSES = {
    "__doc__", "__module__", "__dict__", "__weakref__", "__annotations__", "__annotate__", "__annotate_func__", "__qualname__",
    "__firstlineno__", "__static_attributes__", "__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl",
    "__match_args__",
}  # fmt: skip
#: Packages whose version or source a job states by itself.
_STATED = {"engine", "kernels", "llvmlite", "numba", "numpy", "polars", "pyarrow"}
_FOLDERS = tuple(Path(sysconfig.get_paths()[place]) for place in ("stdlib", "platstdlib", "purelib", "platlib"))


def hash_of(value: Any) -> str:
    """Hash of what a value means, the same in every process and on every machine."""
    return _hash(_Look(()).of(value))


def strategy_parts(kind: type[Strategy]) -> dict[str, str]:
    """Return a hash of each thing that a strategy's classes declare, by its name; of what several classes declare, one hash of all.

    What only shows is left out: docstrings, help, and the names of files.
    """
    classes = [cls for cls in kind.__mro__ if cls not in (Strategy, object) and _top(cls.__module__) not in _STATED]
    look = _Look(classes)
    found: dict[str, list[Any]] = {}
    for cls in classes:
        for name, value in _members(cls):
            if name not in ("parameters", "options"):  # made of the declarations
                found.setdefault(name, []).append([cls.__qualname__, look.anew(value)])
    return {name: _hash(described) for name, described in sorted(found.items())}


def _hash(described: Any) -> str:
    return hashlib.sha256(json.dumps(described, separators=(",", ":")).encode()).hexdigest()


class _Look:
    """Describes values as what JSON can hold.

    Parameters
    ----------
    own : classes that are described elsewhere, and here by their names alone; their package is walked, wherever it lies
    """

    def __init__(self, own: tuple[type, ...] | list[type]) -> None:
        self._own = set(own)
        self._tops = {_top(cls.__module__) for cls in own}
        self._seen: dict[int, tuple[int, Any]] = {}
        self._files: dict[str, dict[types.CodeType, ast.AST]] = {}

    def anew(self, value: Any) -> Any:
        """Describe a value as if nothing had been seen before."""
        self._seen = {}
        return self.of(value)

    def of(self, value: Any) -> Any:
        """Describe a value; what was met before by when that was, so that circles end."""
        plain, found = self._plain(value)
        if plain:
            return found
        if id(value) in self._seen:
            return ["again", self._seen[id(value)][0]]
        self._seen[id(value)] = (len(self._seen), value)  # kept alive, so that no other value gets its number
        return self._deep(value)

    def _aside(self, value: Any) -> Any:
        """Describe a value, and forget what was met in it, as the members of a set are met in any order."""
        before = dict(self._seen)
        try:
            return self.of(value)
        finally:
            self._seen = before

    def _plain(self, value: Any) -> tuple[bool, Any]:
        """Describe what holds no other values."""
        if value is None or type(value) in (bool, int, str):
            return True, value
        if type(value) in (float, complex):
            return True, [type(value).__name__, repr(value)]
        if isinstance(value, bytes | bytearray):
            return True, ["bytes", hashlib.sha256(value).hexdigest()]
        if isinstance(value, np.ndarray) and value.dtype != object:
            raw = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            return True, ["array", str(value.dtype), list(value.shape), raw]
        if isinstance(value, np.generic):
            return True, ["number", str(value.dtype), repr(value.item())]
        if isinstance(value, pl.DataFrame | pl.Series):
            return True, [
                type(value).__name__,
                fingerprint(value if isinstance(value, pl.DataFrame) else value.to_frame()),
            ]
        return False, None

    def _deep(self, value: Any) -> Any:
        if isinstance(value, list | tuple) and type(value) in (list, tuple):
            return [type(value).__name__, [self.of(inner) for inner in value]]
        if isinstance(value, set | frozenset):
            return ["set", sorted(json.dumps(self._aside(inner)) for inner in value)]
        if isinstance(value, Mapping):
            return ["mapping", [[self.of(key), self.of(inner)] for key, inner in value.items()]]
        if isinstance(value, Param):
            return ["parameter", value.default, value.low, value.high, value.whole, value.may_be_none]
        if isinstance(value, Option):
            return ["option", self.of(value.default), self.of(value.parse)]
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.FunctionType):
            return self._function(value)
        return self._wrapped(value) or self._object(value)

    # Code

    def _function(self, function: types.FunctionType) -> Any:
        if self._is_foreign(function.__module__):
            return self._foreign(function.__module__, function.__qualname__)
        tree = self._tree(function.__code__)
        told = ast.dump(tree) if tree else instructions(function.__code__)
        names = sorted(uses(function.__code__, tree))
        used = [[name, *chain, self._resolved(function, name, chain)] for name, chain in names]
        return ["function", told, self.of(function.__defaults__), self.of(function.__kwdefaults__), used]

    def _tree(self, code: types.CodeType) -> ast.AST | None:
        """Return the syntax tree that a function was made of, without what is not computed; None where that is not sure."""
        if code.co_filename not in self._files:
            self._files[code.co_filename] = trees(code.co_filename)
        return self._files[code.co_filename].get(code)

    def _resolved(self, function: types.FunctionType, name: str, chain: tuple[str, ...]) -> Any:
        """Describe what a name, and attributes of it that are followed through modules, stand for in a function."""
        if name.startswith("import "):
            return self._imported(function, name.removeprefix("import "))
        if name in function.__code__.co_freevars:
            cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
            value = cell.cell_contents if _is_full(cell) else None
        elif name in function.__globals__:
            value = function.__globals__[name]
        else:
            return name  # of Python, or of the function's own
        for attribute in chain:
            if not isinstance(value, types.ModuleType) or self._is_foreign(value.__name__):
                break
            value = getattr(value, attribute, None)
        return self.of(value)

    def _imported(self, function: types.FunctionType, name: str) -> Any:
        """Describe a module that a function imports when it is called."""
        if self._is_foreign(name):
            return self._foreign(name)
        try:
            return self.of(importlib.import_module(name, function.__globals__.get("__package__")))
        except Exception:  # somebody else's module may fail in any way, and does so again when the function is called
            return ["missing", name]

    def _module(self, module: types.ModuleType) -> Any:
        if self._is_foreign(module.__name__):
            return self._foreign(module.__name__)
        return ["module", [[k, self.of(v)] for k, v in sorted(vars(module).items()) if not k.startswith("__")]]

    def _class(self, cls: type) -> Any:
        if cls in self._own:
            return ["strategy", cls.__qualname__]
        if self._is_foreign(cls.__module__):
            return self._foreign(cls.__module__, cls.__qualname__)
        bases = [self.of(base) for base in cls.__bases__]
        return ["class", cls.__qualname__, bases, [[name, self.of(value)] for name, value in _members(cls)]]

    def _wrapped(self, value: Any) -> Any:
        """Describe what stands for a function; nothing where a value does not."""
        kind = type(value).__qualname__
        if isinstance(value, property):
            return [kind, self.of(value.fget), self.of(value.fset), self.of(value.fdel)]
        if isinstance(value, types.MethodType):
            return [kind, self.of(value.__func__), self.of(value.__self__)]
        if isinstance(value, staticmethod | classmethod):
            return [kind, self.of(value.__func__)]
        if isinstance(
            inner := inspect.getattr_static(value, "__wrapped__", None), types.FunctionType
        ):  # cached, or compiled
            return [kind, self.of(inner)]
        if isinstance(value, types.BuiltinFunctionType) and isinstance(value.__self__, types.ModuleType | None):
            return [kind, *self._foreign(value.__module__ or "builtins", value.__qualname__)]
        return None

    def _object(self, value: Any) -> Any:
        """Describe an instance by its class and by what copying it would carry over."""
        if isinstance(value, PurePath):
            return ["path", str(value)]
        try:
            known = copyreg.dispatch_table.get(type(value))  # of some types, such as regular expressions
            reduced = known(value) if known else value.__reduce_ex__(2)
        except Exception:  # a lock, an open file, a generator
            reduced = ()
        if isinstance(reduced, str):
            return [self.of(type(value)), reduced]
        made, given, *rest = (*reduced, None, None)[: max(len(reduced), 2)]
        parts = [list(part) if isinstance(part, Iterator) else part for part in rest]
        return [
            self.of(type(value)),
            getattr(made, "__qualname__", None),
            self.of(given),
            [self.of(part) for part in parts],
        ]

    # What is not the user's

    def _is_foreign(self, module: str | None) -> bool:
        """Whether a module comes with Python or with a package that is not the strategy's."""
        top = _top(module or "builtins")
        if top in self._tops or top == "__main__":
            return False
        if top in _STATED:
            return True
        file = _file(top)
        return top in sys.builtin_module_names or (
            file is not None and any(Path(file).is_relative_to(folder) for folder in _FOLDERS)
        )

    def _foreign(self, module: str, name: str = "") -> Any:
        top = _top(module)
        return ["of", module, name, "" if top in _STATED | sys.stdlib_module_names else _installed(top)]


def _top(module: str) -> str:
    return module.partition(".")[0]


def _file(top: str) -> str | None:
    """Return the file of a module, whether it is loaded or not."""
    if top in sys.modules:
        return getattr(sys.modules[top], "__file__", None)
    try:
        spec = importlib.util.find_spec(top) if top else None
    except (ImportError, ValueError):
        return None
    return spec.origin if spec else None


@cache
def _installed(top: str) -> str:
    """Hash of the files of the packages that a module is from, as their installer noted them; of its own file where none did."""
    noted: list[Any] = []
    for package in _packages(top):
        lines = (package.read_text("RECORD") or "").splitlines()
        kept = sorted(line for line in lines if ",sha256=" in line and "dist-info/" not in line)
        noted.append([package.metadata["Name"], package.version, kept])
    file = _file(top)
    if not noted and file is not None and Path(file).is_file():  # a compiled module of the user's
        noted.append(hashlib.sha256(Path(file).read_bytes()).hexdigest())
    return _hash(noted)


def _packages(top: str) -> list[Distribution]:
    """Return the packages that a module is from; most are called like it, and to look through all of them takes a second."""
    try:
        return [distribution(top)]
    except PackageNotFoundError:
        return [distribution(name) for name in sorted(set(packages_distributions().get(top, ())))]


def _members(cls: type) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in sorted(vars(cls).items()) if name not in _OF_CLASSES]


def _is_full(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # filled later
        return False
