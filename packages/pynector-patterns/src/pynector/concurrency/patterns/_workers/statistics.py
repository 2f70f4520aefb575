"""The statistics of a worker pool."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerPoolStatistics:
    """A worker pool at one moment.

    Attributes:
        num_workers: How many workers there may be.
        workers: How many there are: they are started when there is work for them.
        running: How many items are being processed.
        queued: How many items wait for a worker.
        waiting: How many tasks wait for room in the queue.
        finished: How many items came to their end so far.
        failed: How many raised an error.
        cancelled: How many were cancelled, on their own or with the pool.
    """

    num_workers: int
    workers: int
    running: int
    queued: int
    waiting: int
    finished: int
    failed: int
    cancelled: int
