from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kdns.corefile.regexp import charset
from kdns.corefile.regexp.charset import ANY, Ranges, fold, negate, of, union

RANGES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda pair: (min(pair), max(pair))))


def holds(ranges: Ranges, code: int) -> bool:
    return any(low <= code <= high for low, high in ranges)


@given(RANGES, st.integers(0, 400))
def test_union_and_negation(ranges: list[tuple[int, int]], code: int) -> None:
    merged = union(ranges)
    assert all(last[1] + 1 < first[0] for last, first in pairwise(merged))
    assert holds(merged, code) == any(low <= code <= high for low, high in ranges)
    assert holds(negate(merged), code) != holds(merged, code)
    assert negate(negate(merged)) == merged


@given(RANGES, st.integers(0, 400))
def test_folding_adds_the_other_case_of_ascii(ranges: list[tuple[int, int]], code: int) -> None:
    merged = union(ranges)
    character = chr(code)
    other = ord(character.swapcase()) if character.isascii() else code
    assert holds(fold(merged), code) == (holds(merged, code) or holds(merged, other))


def test_ends() -> None:
    assert negate(()) == ANY
    assert negate(ANY) == ()
    assert of("az", "_") == ((95, 95), (97, 122))
    assert holds(charset.PERL["W"], ord("\u00e4"))
