"""A leaf whose modules are imported when something of theirs is first asked for."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def import_lazily(leaf: str, homes: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package that imports each of its names on first use.

    So importing a leaf costs next to nothing, and using it costs what is used: who maps does not pay for the
    pool. This is PEP 562. Type checkers read the imports in the leaf's `if TYPE_CHECKING` instead.

    Args:
        leaf: The package's `__name__`.
        homes: Each public name, with the module below the package that defines it.

    Example:
        ```py
        if TYPE_CHECKING:
            from ._lock import Lock
        else:
            __getattr__, __dir__ = import_lazily(__name__, {"Lock": "_lock"})
        ```
    """

    def get(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {leaf!r} has no attribute {name!r}")
        value = getattr(import_module(f"{leaf}.{home}"), name)
        setattr(sys.modules[leaf], name, value)  # found at once from now on
        return value

    return get, lambda: sorted({*vars(sys.modules[leaf]), *homes})
