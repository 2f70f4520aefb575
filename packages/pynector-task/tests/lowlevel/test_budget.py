"""The budget asks for a checkpoint once in 64 operations of a thread."""

import threading

import pytest

from pynector.concurrency.task.lowlevel import OPERATIONS_PER_CHECKPOINT, operation_budget, start_budget


def due(operations: int) -> list[int]:
    """Which of the next operations are to be checkpoints, counted from one."""
    budget = operation_budget()
    return [number for number in range(1, operations + 1) if next(budget)]


def test_every_64th_operation_asks_for_a_checkpoint() -> None:
    start_budget(OPERATIONS_PER_CHECKPOINT)

    assert due(256) == [64, 128, 192, 256]


@pytest.mark.parametrize("first", [1, 2, 63, 64])
def test_a_budget_can_be_begun_anew_at_any_place(first: int) -> None:
    next(operation_budget())

    start_budget(first)

    assert due(150) == [number for number in range(1, 151) if number % 64 == first % 64]


@pytest.mark.parametrize("first", [0, 65, -1])
def test_a_place_that_is_none_is_refused(first: int) -> None:
    with pytest.raises(ValueError, match=f"operations must be from 1 to 64, not {first}"):
        start_budget(first)


def test_all_objects_of_a_thread_share_one_budget() -> None:
    assert operation_budget() is operation_budget()


def test_each_thread_has_a_budget_of_its_own() -> None:
    budgets = [operation_budget()]

    thread = threading.Thread(target=lambda: budgets.append(operation_budget()))
    thread.start()
    thread.join()

    assert budgets[0] is not budgets[1]
