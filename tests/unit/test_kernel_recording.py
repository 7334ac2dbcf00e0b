"""A batch comes to the same as its rows posted one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import Conflict, InputError, Unprocessable
from services.common.recording import (
    CONFLICT,
    Recorded,
    refuse,
    refuse_first,
    sort_batch,
    to_problem,
)
from services.common.text import Text

WRONG = InputError("/amount", "amount.form", Text("Faux.", "Wrong."))

identifiers = st.sampled_from(["A", "B", "C", "D"])
contents = st.sampled_from([b"1", b"2"])
batches = st.lists(st.tuples(identifiers, contents), max_size=12)
records = st.dictionaries(identifiers, contents)


@given(batches, records, st.sets(st.integers(0, 11)))
def test_as_if_posted_one_by_one(
    batch: list[tuple[str, bytes]], on_record: dict[str, bytes], wrong: set[int]
) -> None:
    """`wrong` are rows that another check would refuse, were they new."""
    found = sort_batch(
        [name for name, _ in batch], [content for _, content in batch], on_record
    ).refuse_changed()
    refused = {row: [WRONG] for row in found.new if row in wrong}
    recorded = found.conclude(refused)

    kept = dict(on_record)
    outcomes: dict[int, str] = {}
    failed: dict[str, bytes] = {}  # refused as wrong: the same again is as wrong
    first_said: dict[str, bytes] = {}
    for row, (name, content) in enumerate(batch):
        known = kept.get(name, failed.get(name))
        if first_said.setdefault(name, content) != content:  # a file at odds with itself
            outcomes[row] = "refused"
        elif known is None:
            (failed if row in wrong else kept)[name] = content
            outcomes[row] = "refused" if row in wrong else "created"
        elif known != content or name in failed:
            outcomes[row] = "refused"
        else:
            outcomes[row] = "unchanged"
    assert {
        **dict.fromkeys(recorded.created, "created"),
        **dict.fromkeys(recorded.unchanged, "unchanged"),
        **dict.fromkeys(recorded.refused, "refused"),
    } == outcomes
    assert len(recorded.created) + len(recorded.unchanged) + len(recorded.refused) == len(batch)


@given(batches, records)
def test_what_is_new_is_new_once(
    batch: list[tuple[str, bytes]], on_record: dict[str, bytes]
) -> None:
    found = sort_batch([name for name, _ in batch], [content for _, content in batch], on_record)
    created = [batch[row][0] for row in found.new]
    assert len(created) == len(set(created))
    assert not set(created) & on_record.keys()
    assert not set(found.repeats.values()) & found.repeats.keys()


def test_ten_thousand_rows_are_sorted_at_once() -> None:
    names = [f"N{row % 5000}" for row in range(10_000)]
    found = sort_batch(names, [b"1"] * 10_000, {})
    assert (len(found.new), len(found.repeats)) == (5000, 5000)


def test_a_batch_of_one_raises_what_was_wrong() -> None:
    refuse_first(Recorded(created=[0], unchanged=[]))
    with pytest.raises(Conflict) as conflict:
        refuse_first(Recorded([], [], {0: [CONFLICT]}))
    assert conflict.value.code == "external_id.conflict"
    with pytest.raises(Unprocessable) as wrong:
        refuse_first(Recorded([], [], {0: [WRONG]}), {"/amount": "/terms/amount"})
    assert [(e.pointer, e.code) for e in wrong.value.errors] == [("/terms/amount", "amount.form")]


def test_a_conflict_among_errors_is_a_conflict() -> None:
    assert isinstance(to_problem([WRONG, CONFLICT]), Conflict)
    assert isinstance(to_problem([WRONG]), Unprocessable)


def test_errors_of_a_row_are_gathered() -> None:
    found: dict[int, list[InputError]] = {}
    refuse(found, 3, "/a", "one", Text("Un.", "One."))
    refuse(found, 3, "/b", "two", Text("Deux.", "Two."))
    assert [(e.pointer, e.code) for e in found[3]] == [("/a", "one"), ("/b", "two")]
