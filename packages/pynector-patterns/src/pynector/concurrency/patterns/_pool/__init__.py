"""The connection pools: a state that decides, a lender that acts, and what they lend."""

from .connection_pool import ConnectionPool

__all__ = ["ConnectionPool"]
