"""What the fields of wire models mean, read from the texts below them.

Only the documentation wants to know. Pydantic can read them, too, but does so whenever a model is made, and the command
line would wait for it.
"""

import ast
import inspect
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pyheketi.wire.base import WireModel


def meanings(model: type[WireModel]) -> dict[str, str]:
    """Return the meanings of a model's fields by name, inherited ones included."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, WireModel):
            found |= _of_module(inspect.getfile(each)).get(each.__name__, {})
    return found


@lru_cache
def _of_module(file: str) -> Mapping[str, Mapping[str, str]]:
    """Return the meanings of fields by class."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {each.name: _of_class(each) for each in tree.body if isinstance(each, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                found[name] = inspect.cleandoc(meaning)
    return found
