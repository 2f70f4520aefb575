"""Whose turn it is, compared with a list that is searched each time."""

from hypothesis import given
from hypothesis import strategies as st

from pynector.concurrency.patterns._pool.capacity import FairQueue

NOTES = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 3), st.integers(0, 3)))


@given(NOTES)
def test_who_has_fewest_goes_first_and_of_equals_who_came_first(notes: list[tuple[str, int, int]]) -> None:
    turns: FairQueue[str] = FairQueue()
    line: list[tuple[str, int, int]] = []

    for who, has, needs in notes:
        turns.report(who, has, needs)

        place = next((place for place, other in enumerate(line) if other[:2] == (who, has)), None)
        if place is not None and needs:
            line[place] = (who, has, needs)
        else:
            line = [other for other in line if other[0] != who]
            line += [(who, has, needs)] if needs else []

        assert turns.first() == min(line, key=lambda each: each[1], default=(None,))[0]
        assert [who for who, _ in turns.with_none()] == [who for who, has, _ in line if not has]
        assert turns.wanted_by(2) == sum(needs for _, has, needs in line if has <= 2)
        assert {each: turns.needs(each) for each in "abcde"} == dict.fromkeys("abcde", 0) | {
            who: needs for who, _, needs in line
        }
