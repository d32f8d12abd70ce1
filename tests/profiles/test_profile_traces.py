"""By what records and texts are known to be of a person who is being deleted."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from headwater.events import Record, RecordMeta
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.erasure.traces import Erasing, Trace, Traces, claims
from headwater.profiles.schema_file import read_schema

ERASURE, PROFILE = UUID(int=1), "0f" * 16
SCHEMA = CompiledSchema(
    read_schema("""
ranks: [user_id, email, phone]
identifiers:
  user_id: {unique: true}
  email: {form: email}
  phone: {form: phone, region: GB}
fields:
  user_id: {is_identifier: true}
  email: {is_identifier: true}
  phone: {is_identifier: true}
mappings:
  - {field: user_id, expr: customer.number}
  - {field: email, expr: mail}
  - {field: phone, expr: tel}
""")
)


def traces(**identifiers):
    found = [Trace(ERASURE, "identifier", name, value) for name, value in identifiers.items()]
    found += [Trace(ERASURE, "profile", "", PROFILE), Trace(ERASURE, "message", "", "own-1")]
    return Traces([Erasing(ERASURE, 100, datetime(2026, 11, 23, tzinfo=UTC))], found, SCHEMA)


def record(kind="event", user_key="", message_id="m", received="2026-11-01T00:00:00.000Z", **data):
    return Record(RecordMeta(kind, "shop", message_id, user_key, received), data)


ANN = {"user_id": "ann", "email": "ann@shop.io", "phone": "+442083661177"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"userId": "ann"}, True),
        ({"userId": "ann", "anonymousId": "x"}, True),
        ({"userId": "bob", "traits": {"email": "ann@shop.io"}}, False),
        ({"userId": "undefined", "traits": {"email": " Ann@Shop.IO "}}, True),
        ({"context": {"traits": {"phone": "020 8366 1177"}}}, True),
        ({"context": {"traits": {"phone": "020 8366 1178"}}}, False),
        ({"properties": {"email": "ann@shop.io"}, "anonymousId": "x"}, True),
        ({"properties": {"friend": "ann@shop.io"}, "anonymousId": "x"}, False),
        ({"anonymousId": "ann2"}, False),
        ({"userId": None, "traits": "none", "context": [1]}, False),
    ],
)
def test_an_event_is_of_whom_it_names_most_strongly(data, expected):
    """Words that mean nobody are passed over, spellings of addresses and phones do not matter, mentions do not count."""
    assert (traces(**ANN).of_logged(1, record(**data)) == ERASURE) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"customer": {"number": "ann"}}, True),
        ({"mail": "ANN@shop.io"}, True),
        ({"customer": {"number": "bob"}, "mail": "ann@shop.io"}, False),
        ({"invited": "ann@shop.io"}, False),
        ({"tel": "020 8366 1177"}, True),
    ],
)
def test_a_record_of_a_stream_is_of_whom_the_schema_says(data, expected):
    """By the same mappings and ranks as for profiles."""
    assert (traces(**ANN).of_logged(1, record("stream", **data)) == ERASURE) is expected


def test_an_event_of_our_own_is_of_its_profile():
    """Entries into audiences name the profile; what was being sent counts also after the deletion."""
    known = traces(**ANN)
    assert known.of_logged(100, record(user_key=PROFILE)) == ERASURE
    assert known.of_logged(101, record(user_key=PROFILE)) is None
    assert known.of_logged(101, record(user_key=PROFILE, message_id="own-1")) == ERASURE


def test_what_came_later_is_of_a_new_person():
    """In the log by the sequence, elsewhere by the time of receipt; a copy without a time goes."""
    known = traces(**ANN)
    assert known.of_logged(101, record(userId="ann")) is None
    assert known.is_of(record(userId="ann"))
    assert not known.is_of(record(userId="ann", received="2026-11-24T00:00:00.000Z"))
    assert known.is_of(record(userId="ann", received=""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"email": "Ann@Shop.io"}', True),
        ("https://v.example/?e=ann%40shop.io&x=1", True),
        ('{"email": "joann@shop.io"}', False),
        ('"ann"', True),
        ('{\\"id\\": \\"ann\\"}', True),
        ("ann was here", False),
        (f"profile {PROFILE}", True),
        ("the long one, with blanks", True),
    ],
)
def test_a_text_shows_a_person_by_whole_values(text, expected):
    """In any case and escaped for an address; a short value only in quotes, because it is part of many texts."""
    assert traces(**ANN, other="long one, with").names(text) is expected


def test_claims_are_in_the_order_of_their_strength():
    """Texts and whole numbers; anything else says nothing."""
    data = {"anonymousId": "a", "userId": 7, "traits": {"email": ["x@y.io", {}], "phone": 1.5}}
    assert list(claims(data)) == ["7", "x@y.io", "a"]
