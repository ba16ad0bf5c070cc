"""The code of a function as what it computes: its syntax tree without what only shows, or its instructions; and what it looks up."""

from __future__ import annotations

import ast
import dis
import linecache
import types
from collections.abc import Iterator
from typing import Any

_DOCSTRING = 0x4000000  # a flag of code from Python 3.13 on
_LOADS = (
    "LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_FROM_DICT_OR_DEREF",
)  # fmt: skip
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def uses(code: types.CodeType, tree: ast.AST | None) -> set[tuple[str, tuple[str, ...]]]:
    """Return the names that code looks up outside of itself, each with the attributes that are read of it one after the other."""
    found: set[tuple[str, tuple[str, ...]]] = set()
    chain: tuple[str, ...]
    for inner in _nested(code):
        name, chain, level = "", (), 0
        for step in dis.get_instructions(inner):
            if step.opname in _ATTRIBUTES and name:
                chain = (*chain, str(step.argval))
                continue
            if name:
                found.add((name, chain))
            name, chain = str(step.argval) if step.opname in _LOADS else "", ()
            if step.opname == "IMPORT_NAME":
                found.add((f"import {'.' * level}{step.argval}", ()))
            level = step.argval if step.opname == "LOAD_CONST" and type(step.argval) is int else level
    for decorator in getattr(tree, "decorator_list", ()):
        found |= {(node.id, ()) for node in ast.walk(decorator) if isinstance(node, ast.Name)}
    return found


def instructions(code: types.CodeType) -> Any:
    """Describe code by its instructions, which a docstring or another place in the file leaves as they are."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("EXTENDED_ARG", "NOP")]
    places = {step.offset: place for place, step in enumerate(steps)}
    told = []
    for step in steps:
        argument = step.argval
        if isinstance(argument, types.CodeType):
            argument = instructions(argument)
        elif step.opcode in dis.hasjrel or step.opcode in dis.hasjabs:
            argument = next((place for offset, place in places.items() if offset >= argument), -1)
        elif isinstance(argument, frozenset):
            argument = sorted(map(repr, argument))
        told.append(
            [step.opname, step.arg if argument is None else argument if isinstance(argument, list) else repr(argument)]
        )
    return [
        code.co_argcount,
        code.co_kwonlyargcount,
        list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]),
        code.co_flags & ~_DOCSTRING,
        code.co_exceptiontable.hex(),
        told,
    ]


def trees(file: str) -> dict[types.CodeType, ast.AST]:
    """Return for the code of each function of a file its syntax tree, where the file is what that code was made of."""
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    try:
        whole = ast.parse(text)
        codes = list(_nested(compile(text, file, "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return {}
    nodes: dict[tuple[str, int], list[ast.AST]] = {}
    for node in ast.walk(whole):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min(part.lineno for part in (node, *node.decorator_list))
            nodes.setdefault((node.name, first), []).append(node)
        elif isinstance(node, ast.Lambda):
            nodes.setdefault(("<lambda>", node.lineno), []).append(node)
    found = {code: nodes.get((code.co_name, code.co_firstlineno), []) for code in codes}
    return {code: _Bare().visit(alone[0]) for code, alone in found.items() if len(alone) == 1}


class _Bare(ast.NodeTransformer):
    """Takes out of a syntax tree what is not computed: docstrings, annotations, and statements that do nothing."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = node.type_comment = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [part if isinstance(part, ast.AnnAssign) else self.visit(part) for part in node.body]
        node.body = [part for part in node.body if part is not None]  # what is annotated may be a field
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value else None

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        return None
