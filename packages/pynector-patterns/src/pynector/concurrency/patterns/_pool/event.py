"""What a pool tells of what happens in it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

PoolEventKind: TypeAlias = Literal[
    "opened",
    "open_failed",
    "lent",
    "returned",
    "check_failed",
    "reset_failed",
    "broken",
    "closed",
    "close_failed",
    "timed_out",
    "leaked",
]


@dataclass(frozen=True, slots=True)
class PoolEvent:
    """One thing that happened in a pool, as `PoolWatch.on_event` is told.

    Attributes:
        kind: What happened, as in the table.
        connection: The connection, where there is one.
        seconds: How long it took, as in the table.
        error: What went wrong, where something did.

    Kinds:
        | kind | happened | seconds |
        | --- | --- | --- |
        | `opened`, `open_failed` | the factory gave a connection, or failed | of the factory |
        | `lent` | a lease began | since it was asked for |
        | `returned` | a lease ended | the lease |
        | `check_failed`, `reset_failed` | a hook said no; the connection is closed | 0 |
        | `broken` | the context manager of a connection ended by itself | 0 |
        | `closed`, `close_failed` | a connection was closed, or that failed or took too long | of closing |
        | `timed_out` | no connection within `acquire_timeout` | waited |
        | `leaked` | a lease is longer than `leak_after` | the lease so far |
    """

    kind: PoolEventKind
    connection: object = None
    seconds: float = 0.0
    error: BaseException | None = None
