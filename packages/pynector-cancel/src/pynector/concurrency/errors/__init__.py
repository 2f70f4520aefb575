"""The class of cancellations, and a shield against them."""

from typing import TYPE_CHECKING

from anyio import get_cancelled_exc_class

from pynector.concurrency.task.lowlevel import import_lazily

if TYPE_CHECKING:
    from ._shield import shield
else:
    __getattr__, __dir__ = import_lazily(__name__, {"shield": "_shield"})

__all__ = ["get_cancelled_exc_class", "shield"]
