"""Faults planted into copies of our own code, each of a kind that people make by hand.

A mutant is a small change of one file. Its scenario, which finds nothing wrong with the original, must fail
within a thousand schedules.
"""

# ruff: noqa: E501  # what is replaced stands here to the letter

from dataclasses import dataclass
from pathlib import Path

PACKAGES = Path(__file__).parents[3]
LOT = "pynector-task/src/pynector/concurrency/task/lowlevel/_parking_lot.py"
PRIMITIVES = "pynector-primitives/src/pynector/concurrency/primitives"
POOL = "pynector-patterns/src/pynector/concurrency/patterns/_pool"


@dataclass(frozen=True)
class Mutant:
    """A planted fault.

    Attributes:
        fault: What is wrong, in words.
        file: The file to change, below `packages/`.
        before: The text to replace; it stands in the file just once.
        after: What to put there.
        scenario: The name of the scenario that must find it.
    """

    fault: str
    file: str
    before: str
    after: str
    scenario: str

    def source(self) -> str:
        """The text of the changed file."""
        text = (PACKAGES / self.file).read_text(encoding="utf-8")
        assert text.count(self.before) == 1, f"{self.fault}: not once in {self.file}: {self.before!r}"
        return text.replace(self.before, self.after)


MUTANTS = (
    Mutant(
        fault="a connection is lost with the caller who has gone while it was opened",
        file=f"{POOL}/opening.py",
        before="            self._has_caller = False\n",
        after="",
        scenario="pool_loses_no_place",
    ),
    Mutant(
        fault="except Exception around what may be cancelled",
        file=f"{PRIMITIVES}/_semaphore.py",
        before="            except BaseException:\n                self._give_back(None)\n",
        after="            except Exception:\n                self._give_back(None)\n",
        scenario="semaphore_keeps_its_places",
    ),
    Mutant(
        fault="an unshielded await in release",
        file=f"{POOL}/core.py",
        before="        self.state.begin_closing(entry)\n        await Closing.",
        after="        await __import__('anyio').sleep(0)\n        self.state.begin_closing(entry)\n        await Closing.",
        scenario="pool_loses_no_place",
    ),
    Mutant(
        fault="check, await, and then count",
        file=f"{PRIMITIVES}/_semaphore.py",
        before="        self._value -= 1  # from",
        after="        await checkpoint()\n        self._value -= 1  # from",
        scenario="semaphore_keeps_its_places",
    ),
    Mutant(
        fault="a granted waiter that is cancelled keeps the permit",
        file=LOT,
        before="                give_back(waiter.result())\n",
        after="                pass\n",
        scenario="semaphore_keeps_its_places",
    ),
    Mutant(
        fault="a connection is dropped on the error path",
        file=f"{POOL}/core.py",
        before="        if self._must_go(entry, now) or not (clean or self.options.reset):\n            return self.dispose(entry)\n",
        after="        if not clean:\n            return READY\n        if self._must_go(entry, now):\n            return self.dispose(entry)\n",
        scenario="pool_loses_no_place",
    ),
    Mutant(
        fault="one connection has two users",
        file=f"{POOL}/lease.py",
        before="        if lot.loop is None or lot.unpark(entry) is None:\n            state.idle.append(entry)\n",
        after="        if lot.loop is not None:\n            lot.unpark(entry)\n        state.idle.append(entry)\n",
        scenario="pool_loses_no_place",
    ),
    Mutant(
        fault="one waits beside a free place",
        file=f"{POOL}/state.py",
        before=" and self.total == self.max_connections\n",
        after="\n",
        scenario="places_that_come_free_are_all_used",
    ),
    Mutant(
        fault="a cancellation is swallowed",
        file=f"{PRIMITIVES}/_condition.py",
        before="            await self._leave(lot, waiter, task, error)\n            raise\n",
        after="            await self._leave(lot, waiter, task, error)\n            return\n",
        scenario="notification_is_not_lost",
    ),
    Mutant(
        fault="a notification is not passed on",
        file=f"{PRIMITIVES}/_condition.py",
        before="        if was_notified:\n            self._notify_first()\n",
        after="",
        scenario="notification_is_not_lost",
    ),
)
