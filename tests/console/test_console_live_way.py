"""What became of an event, decided from its traces; filters, corrections and commands in words."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.console.deliveries.attempt_list import troubles
from headwater.console.live import arrival
from headwater.console.live.curl_command import NO_KEY, curl_command
from headwater.console.live.filters import LiveFilter
from headwater.console.live.integration_way import Computed, compute, way
from headwater.console.live.kept_attempts import FoundAttempt
from headwater.events import Record, RecordMeta, encode_record
from headwater.integrations import library
from headwater.pipelines.objects import Attachment, Revision, RevisionContent
from headwater.pipelines.snapshot import AttachedRevision
from headwater.routing.attempts import KeptAttempt
from headwater.routing.dead_letters import LetterSummary

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOON = THEN.timestamp() + 43_200


def computed(*, enabled: bool = True, attached_at: datetime = THEN, withheld: str = "", fault: str = "") -> Computed:
    content = RevisionContent(kit="lytics", texts=library.texts("lytics"))
    attachment = Attachment("p", "shop", "i", "lytics", 1, enabled, attached_at)
    return Computed(
        AttachedRevision(attachment, Revision("i", 1, content, "", THEN, "test")), False, withheld, None, fault
    )


def attempt(result: str, at: float = NOON + 1, reason: str = "", integration: str = "i") -> FoundAttempt:
    return FoundAttempt(1, KeptAttempt("p", integration, 1, at, 0.1, result, reason, 1, 1, ("m",), {}, None))  # type: ignore[arg-type]


def letter(state: str, at: float = NOON + 2) -> LetterSummary:
    moment = datetime.fromtimestamp(at, UTC)
    return LetterSummary(1, "p", "i", 1, "m", 0, "HTTP 400", 1, moment, moment, state, moment, "Ann")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "attempts", "letters", "word"),
    [
        (computed(), [], [], "sent or under way"),
        (computed(enabled=False), [], [], "waiting"),
        (computed(attached_at=datetime(2026, 1, 2, tzinfo=UTC)), [], [], "not for it"),
        (computed(withheld="no consent"), [], [], "left out"),
        (computed(fault="a secret is missing"), [], [], "revision cannot work"),
        (computed(), [attempt("delivered")], [], "delivered"),
        (computed(), [attempt("delivered", integration="other")], [], "sent or under way"),
        (computed(), [attempt("again", reason="HTTP 503")], [], "will be tried again"),
        (computed(), [attempt("refused", reason="HTTP 400")], [], "refused"),
        (computed(), [attempt("refused")], [letter("waiting")], "refused"),
        (computed(), [], [letter("replayed")], "sent again"),
        (computed(), [], [letter("discarded")], "given up"),
        (computed(), [attempt("refused"), attempt("delivered", NOON + 9)], [letter("replayed")], "delivered"),
        (computed(), [attempt("delivered"), attempt("refused")], [letter("waiting", NOON + 9)], "refused"),
        (computed(enabled=False), [attempt("delivered")], [], "delivered"),
    ],
)
def test_the_latest_trace_decides(case, attempts, letters, word):
    """What delivery told counts before what the revision would do; the later of a letter and an attempt wins."""
    assert way(case, NOON, attempts, letters).verdict.word == word


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (LiveFilter(), True),
        (LiveFilter(type="track"), True),
        (LiveFilter(type="tra"), False),
        (LiveFilter(name="ORDER"), True),
        (LiveFilter(name="refund"), False),
        (LiveFilter(user="JANE@"), True),
        (LiveFilter(user="u-7", name="order"), True),
        (LiveFilter(user="u-8"), False),
        (LiveFilter(text="straSSe"), True),
        (LiveFilter(text="nowhere"), False),
    ],
)
def test_a_filter_chooses_by_content(chosen, found):
    """All that is asked for must hold; texts in any case of letters, the type as a whole."""
    data = {"type": "track", "event": "Order Completed", "userId": "u-7", "traits": {"email": "jane@example.com"}, "properties": {"street": "Hauptstraße"}}  # fmt: skip
    record = Record(RecordMeta("event", "p", "m", "u-7", ""), data)
    payload = encode_record(record.meta, json.dumps(data, ensure_ascii=False).encode())
    assert chosen.matches(record, payload) is found


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4))
def test_a_command_sends_what_the_event_says(properties):
    """Whatever stands in an event, the shell gives curl exactly that, without what would make it a repeat."""
    data = {"type": "track", "event": "it's", "messageId": "m", "receivedAt": "now", "properties": properties}
    command = curl_command(Record(RecordMeta("event", "p", "m", "u", ""), data), "http://c", None)
    words = shlex.split(command)
    assert words[:2] == ["curl", "http://c/v1/track"]
    assert f"{NO_KEY}:" in words
    assert json.loads(words[-1]) == {"type": "track", "event": "it's", "properties": properties}


def test_corrections_are_said():
    """A corrected clock and each flag have a sentence."""
    data = {"originalTimestamp": "2026-01-01T10:00:10.000Z", "timestamp": "2026-01-01T10:00:00.000Z"}
    record = Record(RecordMeta("event", "p", "m", "u", "", flags=("future_timestamp",)), data)
    assert [note.split(";")[0].split(".")[0] for note in arrival.notes(record)] == [
        "Its timestamp lies in the future",
        "The sender's clock was 10\u202fs fast",
    ]
    assert arrival.notes(Record(RecordMeta("event", "p", "m", "u", ""), {"timestamp": 5})) == []


def test_troubles_are_grouped_by_reason():
    """Failures of one kind are one line with the newest example; what succeeded is none."""
    found = [attempt("again", NOON + 3, "HTTP 503"), attempt("delivered"), attempt("again", NOON, "HTTP 503"), attempt("refused", NOON, "HTTP 400")]  # fmt: skip
    assert [(each.reason, each.times, each.newest.attempt.at) for each in troubles(found)] == [
        ("HTTP 503", 2, NOON + 3),
        ("HTTP 400", 1, NOON),
    ]


def test_an_entry_into_another_audience_is_left_out_with_the_reason():
    """The page says what delivery decides: the audience was not chosen."""
    attached = computed().attached
    chosen = attached._replace(attachment=msgspec.structs.replace(attached.attachment, audiences=("vip",)))
    record = Record(RecordMeta("event", "p", "m", "u", "now"), {"properties": {"audience_id": "oslo"}})
    verdict = way(compute(chosen, record, "http://127.0.0.1"), NOON, [], []).verdict
    assert (verdict.word, verdict.text) == ("left out", "It may not go there: of another audience.")
