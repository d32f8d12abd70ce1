"""Why a profile is what it is, and whether it is one person."""

from datetime import UTC, datetime

from profile_evidence import AT, Gathered

from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.conflicts import conflicts_of
from headwater.profiles.decisions import NO_DECISIONS, Decision, Decisions
from headwater.profiles.explain import chain, explain, lytics_explanation
from headwater.profiles.health import SIZE_LIMIT_BYTES, health_of
from headwater.profiles.identifiers import Identifier
from headwater.profiles.schema_file import read_schema

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SCHEMA = CompiledSchema(
    read_schema(
        """
version: v7
ranks: [user_id, email, cookie]
event_time: [ts]
message_id: [id]
profile_limit: 10
identifiers:
  user_id: {unique: true}
  email: {form: email, limit: 5, window_days: 365, alarm: 2}
  cookie: {limit: 20, window_days: 30, shared: nobody}
fields:
  user_id: {is_identifier: true}
  email: {is_identifier: true}
  cookie: {is_identifier: true, type: "[]string"}
  city: {}
  visits: {type: int, mergeop: count}
mappings:
  - {field: user_id, expr: user_id}
  - {field: email, expr: email}
  - {field: cookie, expr: cookie}
  - {field: city, expr: city}
  - {field: visits, expr: city}
aliases:
  - {field: cookie, expr: previous_id}
"""
    )
)
USER, EMAIL, COOKIE = Identifier("user_id", "user-1"), Identifier("email", "info@shop.io"), Identifier("cookie", "c1")


def gathered(*records):
    effects = []
    for number, record in enumerate(records):
        data = {"id": f"m{number}", "ts": 1_767_225_600_000 + number * 1000, **record}
        effects.append(SCHEMA.effect(data, record.get("stream", "web"), NOW))
    return Gathered(SCHEMA, effects)


FACTS = gathered(
    {"cookie": "c1", "city": "Oslo"},
    {"cookie": "c1", "user_id": "user-1", "city": "Rome"},
    {"user_id": "user-1", "email": "info@shop.io", "stream": "crm"},
    {"user_id": "user-1", "previous_id": "old"},
    {"user_id": "user-2", "email": "info@shop.io"},
)


def explained(facts=FACTS, who=USER, decisions=NO_DECISIONS):
    evidence = facts.evidence(decisions)
    return explain(evidence.resolution.part_of()[who], evidence, SCHEMA, AT)


def test_identifiers_come_with_rule_limit_and_facts():
    """Type, rank, how much of the limit is used, when, how often and where seen, and what is doubtful."""
    user, email, *cookies = explained().identifiers
    assert (user.identifier, user.rank, user.unique, user.used, user.limit) == (USER, 1, True, 1, 1)
    assert (email.used, email.limit, email.window_days) == (1, 5, 365)
    assert email.doubts == ("a mailbox of a role, not of a person",)
    assert (email.seen.count, email.seen.sources, email.seen.message_id) == (2, ("crm", "web"), "m2")
    assert [(each.identifier.value, each.used) for each in cookies] == [("c1", 2), ("old", 2)]


def test_links_say_who_made_them():
    """By an event, by an alias, or by a person; with the event that was first."""
    decisions = Decisions.of([Decision("allowed", USER, EMAIL, "ann", 1)])
    by = {each.pair[0].value: (each.by, each.seen.message_id) for each in explained(decisions=decisions).links}
    assert by == {"c1": ("event", "m1"), "info@shop.io": ("person", "m2"), "old": ("alias", "m3")}


def test_what_was_refused_is_shown_on_both_sides():
    """The link, the rule and its version, the other profile."""
    (conflict,) = explained().conflicts
    assert (conflict.rule, conflict.version, conflict.state) == ("taken", "v7", "open")
    assert conflict.right == Identifier("user_id", "user-2")
    assert explained(who=Identifier("user_id", "user-2")).conflicts == (conflict,)


def test_fields_show_the_candidates_that_lost():
    """The value that counts first, then the others, with their events' times; by count all contribute."""
    city, visits = explained().fields
    assert [(each.value, each.counts, each.fragment.identifier) for each in city.candidates] == [
        ("Rome", True, USER),
        ("Oslo", False, COOKIE),
    ]
    assert city.candidates[0].time == 1_767_225_601_000
    assert (visits.operator, [each.counts for each in visits.candidates]) == ("count", [True, True])


def test_why_are_these_two_the_same():
    """The shortest chain of links that hold, in order; none where there is none."""
    held = FACTS.evidence().resolution.held
    assert chain(COOKIE, EMAIL, held) == ((COOKIE, USER), (USER, EMAIL))
    assert chain(COOKIE, COOKIE, held) == ()
    assert chain(COOKIE, Identifier("user_id", "user-2"), held) is None


def test_lytics_shape():
    """Keys, fragments with neighbours, and the conflicting fragment marked with what it conflicts with."""
    evidence = FACTS.evidence()
    part = evidence.resolution.part_of()[USER]
    found = lytics_explanation({"city": "Rome"}, part, evidence, SCHEMA)
    assert {"key": "email", "value": "info@shop.io"} in found["keys"]
    by_key = {each["key"][0]["value"]: each for each in found["fragments"]}
    assert by_key["c1"]["fragment"] == {"city": "Oslo", "visits": 1}
    assert by_key["c1"]["neighbors"] == [{"key": "user_id", "value": "user-1"}]
    assert by_key["user-1"]["meta"] == {"streams": ["crm", "web"]}
    assert by_key["user-2"]["meta"]["conflicts_with"] == "email:info@shop.io"
    assert found["entity"] == {"city": "Rome"}


def health(facts, who, size_bytes=0):
    evidence = facts.evidence()
    conflicts = conflicts_of(evidence.resolution, facts.links, NO_DECISIONS)
    part = evidence.resolution.part_of()[who]
    return health_of(part, evidence.resolution, facts.seen, conflicts, SCHEMA.rules, size_bytes)


def test_an_ordinary_profile_is_healthy():
    """Nothing to see."""
    assert health(gathered({"user_id": "user-1", "cookie": "c1"}), USER).state == "healthy"


def test_a_profile_is_watched_over_half_of_a_limit_or_with_an_open_conflict():
    """Early, with the figures."""
    assert health(FACTS, USER).reasons == ("1 open conflict",)
    many = gathered(*({"user_id": "user-1", "email": f"e{number}@x.io"} for number in range(3)))
    assert health(many, USER).reasons == ("3 of 5 values of email",)


def test_what_is_too_large_is_quarantined():
    """More identifiers than a profile may have, or more bytes."""
    crowd = gathered(*({"user_id": "user-1", "cookie": f"c{number}"} for number in range(11)))
    assert health(crowd, USER).reasons == ("more identifiers than a profile may have; some stayed outside",)
    assert health(FACTS, USER, SIZE_LIMIT_BYTES + 1).state == "quarantined"


def test_a_value_of_too_many_people_is_quarantined():
    """The mailbox of a team is a profile of its own, and marked."""
    team = gathered(*({"user_id": f"user-{number}", "email": "info@shop.io"} for number in range(3)))
    assert health(team, EMAIL).reasons == ("seen with too many people in a short time",)
    assert health(team, USER).state == "watched"
