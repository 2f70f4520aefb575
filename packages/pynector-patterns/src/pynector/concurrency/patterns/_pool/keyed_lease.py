"""The right to use a connection of one key for a while."""

from collections.abc import Generator, Hashable
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .lease import Lease

if TYPE_CHECKING:
    from .branches import Branches

K = TypeVar("K", bound=Hashable)
C = TypeVar("C")


class KeyedLease(Lease[C], Generic[K, C]):
    """A `Lease` that finds the pool of its key when it begins: until then the key may be forgotten."""

    __slots__ = ("branches", "key")

    branches: "Branches[K, C]"
    key: K

    def __await__(self) -> Generator[Any, Any, C]:
        self._refuse_twice()  # before the key is asked for, which would be kept
        self.lender = self.branches.branch(self.key)
        return super().__await__()

    def __aenter__(self) -> "CoroutineType[Any, Any, C]":
        self._refuse_twice()
        self.lender = self.branches.branch(self.key)
        return super().__aenter__()  # type: ignore[return-value]  # to mypy it is any Coroutine
