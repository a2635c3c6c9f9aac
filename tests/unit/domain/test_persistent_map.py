import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyheketi.domain.persistent_map import PersistentMap, draft

_keys = st.integers(0, 400).map(str)


@given(
    st.dictionaries(_keys, st.integers(), max_size=400),
    st.lists(st.tuples(_keys, st.integers()), max_size=60),
    st.lists(_keys, max_size=60),
)
def test_is_a_dict_whose_past_does_not_change(
    start: dict[str, int], put: list[tuple[str, int]], remove: list[str]
) -> None:
    before = PersistentMap(start.items())
    after = before.with_changes(put, remove)

    expected = start | dict(put)
    for key in remove:
        expected.pop(key, None)
    assert dict(after.items()) == expected
    assert len(after) == len(expected)
    assert all((key in after) == (key in expected) for key in [*start, *remove])
    assert dict(before.items()) == start


def test_grows_one_by_one() -> None:
    made: PersistentMap[int, int] = PersistentMap()
    for number in range(5000):
        made = made.with_changes([(number, -number)])
    assert len(made) == 5000
    assert sorted(made) == list(range(5000))
    assert made[4999] == -4999
    assert made.get(5000) is None


@given(
    st.dictionaries(_keys, st.integers(), max_size=400),
    st.lists(st.tuples(_keys, st.none() | st.integers()), max_size=1000),
)
def test_a_draft_reads_as_what_it_will_be(start: dict[str, int], edits: list[tuple[str, int | None]]) -> None:
    before, expected = PersistentMap(start.items()), dict(start)
    made = draft(before)
    for key, value in edits:
        if value is None:
            made.drop(key)
            expected.pop(key, None)
        else:
            made.put(key, value)
            expected[key] = value
        assert made.get(key) == expected.get(key)
        assert (key in made) == (key in expected)
        assert len(made) == len(expected)
    assert sorted(made) == sorted(expected)
    assert dict(made.finished().items()) == expected
    assert dict(before.items()) == start


@pytest.mark.parametrize("before", [PersistentMap[str, int](), PersistentMap([("a", 1)])], ids=["empty", "filled"])
def test_an_untouched_draft_is_what_it_was(before: PersistentMap[str, int]) -> None:
    made = draft(before)
    made.drop("b")
    assert made.finished() is before
