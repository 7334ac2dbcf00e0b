"""Identifiers made here: version 7, ascending, none twice."""

import time

from services.common.identifiers import new_ids


def test_they_are_of_version_7_and_of_now() -> None:
    before = time.time_ns() // 1_000_000
    found = new_ids(1000)
    after = time.time_ns() // 1_000_000
    assert {each.version for each in found} == {7}
    assert {each.variant for each in found} == {"specified in RFC 4122"}
    assert all(before <= each.int >> 80 <= after for each in found)


def test_they_ascend_and_differ() -> None:
    found = new_ids(200_000)
    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert not set(found) & set(new_ids(1000))
    assert new_ids(0) == []
