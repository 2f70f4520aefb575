"""What holds for any sequence of operations."""

import heapq
from collections.abc import Callable, Iterator

import pytest
from anyio import ClosedResourceError, WouldBlock
from hypothesis import given
from hypothesis import strategies as st

from pynector.concurrency.primitives import PriorityQueue, Queue

operations = st.lists(st.sampled_from(["get", "put", "put", "close"]), max_size=40)
sizes = st.none() | st.integers(1, 4)


class Model:
    """A queue as short as it can be said."""

    def __init__(self, max_size: int | None, push: Callable[[list[int], int], object]) -> None:
        self.items, self.max_size, self.push, self.closed = list[int](), max_size, push, False

    def put(self, item: int) -> None:
        if self.closed:
            raise ClosedResourceError
        if len(self.items) == self.max_size:
            raise WouldBlock
        self.push(self.items, item)
        self.items.sort(key=None if self.push is heapq.heappush else lambda _: 0)

    def get(self) -> int:
        if not self.items:
            raise ClosedResourceError if self.closed else WouldBlock
        return self.items.pop(0)


def outcome(operation: Callable[..., object], *args: object) -> object:
    try:
        return operation(*args)
    except (ClosedResourceError, WouldBlock) as error:
        return type(error)


@pytest.mark.parametrize(("kind", "push"), [(Queue, list[int].append), (PriorityQueue, heapq.heappush)])
@given(operations, sizes, st.data())
def test_a_queue_gives_what_its_model_gives(
    kind: type[Queue[int]],
    push: Callable[[list[int], int], object],
    operations: list[str],
    max_size: int | None,
    data: st.DataObject,
) -> None:
    queue, model = kind(max_size), Model(max_size, push)
    for operation in operations:
        if operation == "close":
            model.closed = True
            queue.close()
        elif operation == "get":
            assert outcome(queue.get_nowait) == outcome(model.get)
        else:
            item = data.draw(st.integers(0, 9))
            assert outcome(queue.put_nowait, item) == outcome(model.put, item)
        assert len(queue) == len(model.items)
    assert queue.shutdown() == model.items


class Moody:
    """An item whose comparison raises now and then."""

    def __init__(self, number: int, mood: Iterator[bool]) -> None:
        self.number, self.mood = number, mood

    def __lt__(self, other: "Moody") -> bool:
        if next(self.mood, False):
            raise TypeError("not in the mood")
        return self.number < other.number


@given(st.lists(st.sampled_from(["get", "put", "put"]), max_size=60), st.lists(st.booleans()), st.data())
def test_an_item_is_in_if_and_only_if_put_returned_and_get_never_fails(
    operations: list[str], moods: list[bool], data: st.DataObject
) -> None:
    mood = iter(moods)
    queue, inside = PriorityQueue[Moody](), list[Moody]()
    for operation in operations:
        if operation == "get" and inside:
            item = queue.get_nowait()
            assert item.number == min(other.number for other in inside)
            inside.remove(item)
        elif operation == "put":
            item = Moody(data.draw(st.integers(0, 9)), mood)
            try:
                queue.put_nowait(item)
            except TypeError:
                continue
            inside.append(item)
    assert sorted(map(id, queue.shutdown())) == sorted(map(id, inside))
