"""Identifiers: version 7, in the order of their making."""

from hypothesis import given
from hypothesis import strategies as some

from stockade.kernel.ids import id_at, milliseconds_of, new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


@given(some.integers(0, 2**48 - 1), some.integers(0, 2**74 - 1))
def test_an_id_carries_its_moment_and_keeps_version_and_variant(milliseconds: int, bits: int) -> None:
    made = id_at(milliseconds, bits)
    assert milliseconds_of(made) == milliseconds
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


@given(some.integers(0, 2**48 - 2), some.integers(0, 2**74 - 1), some.integers(0, 2**74 - 1))
def test_ids_sort_by_their_moment_whatever_their_random_bits(milliseconds: int, one: int, other: int) -> None:
    assert id_at(milliseconds, one) < id_at(milliseconds + 1, other)


@given(some.integers(0, 2**74 - 1), some.integers(0, 2**74 - 1))
def test_different_bits_make_different_ids(one: int, other: int) -> None:
    assert (id_at(1, one) == id_at(1, other)) == (one == other)
