"""Who may have an event: consent in three shapes, and the sender's own choice."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.privacy.permission import CONSENT, NOT_CHOSEN, OTHER_AUDIENCE, Allowed, decide

ADS = ("advertising",)


def _decide(categories: tuple[str, ...] = ADS, integrations: Any = None, **context: Any) -> object:
    event: dict[str, Any] = {"context": context}
    if integrations is not None:
        event["integrations"] = integrations
    return decide(event, ("Lytics", "lytics-2"), categories, None)


def test_without_any_statement_everything_may_go() -> None:
    """Nobody asked the person, or the sender keeps no consent."""
    assert _decide() == Allowed()


def test_an_integration_without_categories_needs_no_consent() -> None:
    """Strictly necessary tools get the event whatever was refused."""
    assert _decide((), consent={"categoryPreferences": {"advertising": False}}) == Allowed()


@pytest.mark.parametrize(
    ("preferences", "categories", "expected"),
    [
        ({"advertising": True}, ADS, Allowed()),
        ({"advertising": False}, ADS, CONSENT),
        ({"analytics": True}, ADS, CONSENT),
        ({}, ADS, CONSENT),
        ({"advertising": True, "analytics": False}, ("advertising", "analytics"), CONSENT),
        ({"advertising": True, "analytics": True}, ("advertising", "analytics"), Allowed()),
        ({"advertising": "true"}, ADS, CONSENT),
        ("everything", ADS, CONSENT),
    ],
)
def test_segments_preferences_must_name_each_category_as_true(
    preferences: Any, categories: Any, expected: object
) -> None:
    """Absent, empty, false and malformed are all no."""
    assert _decide(categories, consent={"categoryPreferences": preferences}) == expected


@pytest.mark.parametrize(
    ("opted_out", "expected"),
    [
        ({"advertising": True}, CONSENT),
        ({"advertising": "true"}, CONSENT),
        ({"advertising": "TRUE "}, CONSENT),
        ({"advertising": False}, Allowed()),
        ({"advertising": "false"}, Allowed()),
        ({"analytics": True}, Allowed()),
        ({}, Allowed()),
        (["advertising"], CONSENT),
    ],
)
def test_metarouters_opt_out_refuses_the_named_category(opted_out: Any, expected: object) -> None:
    """True means refused, as text too; a shape that nobody knows is a refusal."""
    assert _decide(consent={"explicit": True, "optOut": opted_out}) == expected


@pytest.mark.parametrize(
    ("managed", "expected"),
    [
        ({"deniedConsentIds": ["advertising"]}, CONSENT),
        ({"allowedConsentIds": ["advertising"], "deniedConsentIds": []}, Allowed()),
        ({"allowedConsentIds": ["analytics"]}, CONSENT),
        ({"allowedConsentIds": []}, Allowed()),
    ],
)
def test_rudderstacks_lists_deny_and_allow(managed: Any, expected: object) -> None:
    """Denied beats all; a list of allowed ids must hold each category."""
    assert _decide(consentManagement=managed) == expected


def test_all_statements_must_agree() -> None:
    """A yes in one shape does not outweigh a no in another."""
    consent = {"categoryPreferences": {"advertising": True}, "optOut": {"advertising": True}}
    assert _decide(consent=consent) == CONSENT


@pytest.mark.parametrize(
    ("integrations", "expected"),
    [
        ({"All": False}, NOT_CHOSEN),
        ({"All": False, "Lytics": True}, Allowed()),
        ({"All": False, "lytics-2": {"option": 1}}, Allowed()),
        ({"All": True, "Lytics": False}, NOT_CHOSEN),
        ({"All": False, "lytics": True}, NOT_CHOSEN),
        ({"All": True}, Allowed()),
        ({}, Allowed()),
        ("all", Allowed()),
    ],
)
def test_the_senders_choice_is_honoured(integrations: Any, expected: object) -> None:
    """A named entry beats All; names are case-sensitive, as Segment documents."""
    assert _decide((), integrations) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"audience_id": "a1"}, Allowed()),
        ({"audience_id": "a2"}, OTHER_AUDIENCE),
        ({"audience": "a1"}, OTHER_AUDIENCE),
        ({"audience_id": ["a1"]}, OTHER_AUDIENCE),
        ({"audience_id": None}, OTHER_AUDIENCE),
        ("a1", OTHER_AUDIENCE),
    ],
)
def test_chosen_audiences_let_nothing_else_pass(properties: Any, expected: object) -> None:
    """The id decides, never the name; what is of no audience stays, whatever its shape."""
    event = {"event": "Audience Entered", "properties": properties}
    assert decide(event, ("Lytics",), (), ("a1", "a3")) == expected
    assert decide(event, ("Lytics",), (), None) == Allowed()
    assert decide(event, ("Lytics",), (), ()) == OTHER_AUDIENCE


def test_the_senders_choice_is_asked_before_the_audience() -> None:
    """What a subscription alone is told is not chosen for others, even of an audience that they hear about."""
    event = {"properties": {"audience_id": "a1"}, "integrations": {"All": False, "audience-webhook": True}}
    assert decide(event, ("Lytics",), (), ("a1",)) == NOT_CHOSEN
    assert decide(event, ("Webhook of a1", "audience-webhook"), (), None) == Allowed()
