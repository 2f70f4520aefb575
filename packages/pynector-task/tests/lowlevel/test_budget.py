"""The budget asks for a checkpoint once in 64 operations of a thread."""

import threading

from pynector.concurrency.task.lowlevel import OperationBudget, operation_budget, thread_budget


def test_every_64th_operation_asks_for_a_checkpoint() -> None:
    spend = operation_budget()
    while not spend():
        pass

    answers = [spend() for _ in range(256)]

    assert [index + 1 for index, answer in enumerate(answers) if answer] == [64, 128, 192, 256]


def test_all_objects_of_a_thread_share_one_budget() -> None:
    assert operation_budget() == operation_budget()


def test_each_thread_has_a_budget_of_its_own() -> None:
    budgets = [operation_budget()]

    thread = threading.Thread(target=lambda: budgets.append(operation_budget()))
    thread.start()
    thread.join()

    assert budgets[0] != budgets[1]


def test_a_budget_of_ones_own_counts_by_itself() -> None:
    budget = OperationBudget(3)

    assert [budget.spend() for _ in range(6)] == [False, False, True] * 2


def test_a_hot_path_may_count_in_place() -> None:
    budget = OperationBudget(2)
    due = 0

    for _ in range(6):
        budget.left -= 1
        if budget.left <= 0:
            budget.renew()
            due += 1

    assert due == 3


def test_a_budget_of_one_makes_each_operation_a_checkpoint() -> None:
    budget = OperationBudget(1)

    assert [budget.spend() for _ in range(3)] == [True] * 3


def test_the_thread_s_budget_is_the_one_that_is_spent() -> None:
    budget = thread_budget()
    left = budget.left

    if not operation_budget()():
        assert budget.left == left - 1
