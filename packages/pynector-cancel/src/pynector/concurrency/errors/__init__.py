"""The class of cancellations, and a shield against them."""

from anyio import get_cancelled_exc_class

from ._shield import shield

__all__ = ["get_cancelled_exc_class", "shield"]
