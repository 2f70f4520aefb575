"""What the reference shows of a class: how it is made, and what its users call."""

import ast
from typing import Any

import griffe

PLUMBING = {  # public since Python or another module calls them; no user does
    "Lease": ("send", "throw", "close"),
    "MapStream": ("__anext__",),
    "RetryAttempts": ("begin", "succeed", "fail", "time_out"),
}


class WithoutPlumbing(griffe.Extension):
    """Leaves out the methods that `await`, `async for` and the retries' own blocks call."""

    def on_class_members(self, *, node: ast.AST | griffe.ObjectNode, cls: griffe.Class, **_: Any) -> None:
        for name in PLUMBING.get(cls.name, ()):
            cls.members.pop(name, None)


class NewAsInit(griffe.Extension):
    """Lets `__new__` stand for `__init__`, which is all that the reference looks at."""

    def on_class_members(self, *, node: ast.AST | griffe.ObjectNode, cls: griffe.Class, **_: Any) -> None:
        new = cls.members.get("__new__")
        if isinstance(new, griffe.Function) and "__init__" not in cls.members:
            cls.set_member("__init__", griffe.Function("__init__", parameters=new.parameters))
