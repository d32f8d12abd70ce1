"""Fields of a profile as JSON."""

from datetime import UTC, timedelta, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from headwater import jsontext
from headwater.expressions.stored import from_stored, stored_json, to_stored

INSTANTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | INSTANTS
    | st.just(Decimal("0.12345678901234567891"))
)
FIELDS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3)
    ),
    max_size=5,
)


@given(FIELDS)
def test_the_short_way_to_json_writes_the_same(fields):
    """Instants, exact fractions and very large integers included."""
    assert stored_json(fields) == jsontext.encode(to_stored(fields))


@given(INSTANTS)
def test_an_instant_survives(instant):
    """To the microsecond, in any zone, as long as a double has the digits."""
    if 1700 < instant.year < 2240:
        assert from_stored(jsontext.decode(stored_json(instant))) == instant
