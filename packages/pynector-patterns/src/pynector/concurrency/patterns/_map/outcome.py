"""What became of one item of a bounded map."""

from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


class Outcome(Generic[T_co, R_co]):
    """What became of one item of a `concurrent_map`: a result, or an error."""

    __slots__ = ("_error", "_item", "_result")

    def __init__(self, item: T_co, result: Any, error: Exception | None) -> None:
        self._item = item
        self._result: R_co = result
        self._error = error

    @property
    def item(self) -> T_co:
        """The item."""
        return self._item

    @property
    def error(self) -> Exception | None:
        """What the call raised, or None."""
        return self._error

    @property
    def result(self) -> R_co:
        """What the call returned.

        Raises:
            Exception: what it raised instead.
        """
        if self._error is not None:
            raise self._error
        return self._result

    def __repr__(self) -> str:
        return f"<Outcome of {self._item!r}: {self._result if self._error is None else self._error!r}>"
