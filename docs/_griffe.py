"""Shows the signature of a class that is made by `__new__` as that of others, made by `__init__`."""

import ast
from typing import Any

import griffe


class NewAsInit(griffe.Extension):
    """Lets `__new__` stand for `__init__`, which is all that the reference looks at."""

    def on_class_members(self, *, node: ast.AST | griffe.ObjectNode, cls: griffe.Class, **_: Any) -> None:
        new = cls.members.get("__new__")
        if isinstance(new, griffe.Function) and "__init__" not in cls.members:
            cls.set_member("__init__", griffe.Function("__init__", parameters=new.parameters))
