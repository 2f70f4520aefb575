"""A child task, as its handle sees it."""

from typing import Any, Protocol, TypeVar

import anyio

T_co = TypeVar("T_co", covariant=True)


class Child(Protocol[T_co]):
    """The part of `anyio.TaskHandle` that a handle needs of a child."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> anyio.TaskHandle.Status: ...
    @property
    def return_value(self) -> T_co: ...
    @property
    def exception(self) -> BaseException | None: ...
    @property
    def start_value(self) -> Any: ...
    def cancel(self) -> None: ...
    async def wait(self) -> None: ...
