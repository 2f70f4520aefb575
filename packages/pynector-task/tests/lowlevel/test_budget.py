"""The budget asks for a checkpoint once in 64 operations of a thread."""

import threading

from pynector.concurrency.task.lowlevel import operation_budget


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
