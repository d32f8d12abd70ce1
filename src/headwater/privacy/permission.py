"""May this event go to this integration? A decision with a reason, taken before any playbook runs.

Consent comes first. An integration that needs no category may have every event. For one that does:

| in the event                                          | goes                                              |
|-------------------------------------------------------|---------------------------------------------------|
| `context.consent.categoryPreferences` (Segment)       | when each category is true; present and empty: no |
| `context.consent.optOut` (MetaRouter), true = refused | when no category is refused; `"true"` counts too  |
| `context.consentManagement` (RudderStack)             | when no category is denied, and each is allowed if a list of allowed ones is there |
| none of them                                          | yes: nobody asked the person                      |

Several of them at once must all agree. A consent object of the wrong shape is a refusal: what cannot be understood was
not given. Then the sender's `integrations` object: a named entry beats `All`, names are case-sensitive, `false` refuses.
Last the audiences that an attachment chose: an entry or exit of another one stays, and so does what is of no audience.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple


class Allowed(NamedTuple):
    """The event may go."""


class Refused(NamedTuple):
    """The event must not go. `reason` is short and from a fixed set: it is counted."""

    reason: str


Permission = Allowed | Refused
CONSENT = Refused("no consent")
NOT_CHOSEN = Refused("not chosen by the sender")
OTHER_AUDIENCE = Refused("of another audience")


NOT_FORWARDED = "_metadata"
"""What SDKs say about themselves to their own vendor; kept in the log, sent to nobody (Segment's specification)."""


def forwarded(event: dict[str, Any]) -> dict[str, Any]:
    """The event as integrations see it. The event itself where nothing has to be left out."""
    if NOT_FORWARDED not in event:
        return event
    return {key: value for key, value in event.items() if key != NOT_FORWARDED}


def decide(
    event: Mapping[str, Any],
    names: Collection[str],
    categories: Collection[str],
    audiences: Collection[str] | None,
) -> Permission:
    """Whether `event` may go to an integration known by `names` that serves the consent `categories`.

    `audiences` are the ids of those that it hears about; None: it chose none, and everything passes.
    """
    context = event.get("context")
    if categories and isinstance(context, Mapping) and not _consented(context, categories):
        return CONSENT
    chosen = event.get("integrations")
    if isinstance(chosen, Mapping) and not _chosen(chosen, names):
        return NOT_CHOSEN
    return Allowed() if audiences is None or _announced_by(event, audiences) else OTHER_AUDIENCE


def _consented(context: Mapping[str, Any], categories: Collection[str]) -> bool:
    consent = context.get("consent")
    managed = context.get("consentManagement")
    if consent is not None and not isinstance(consent, Mapping):
        return False
    if managed is not None and not isinstance(managed, Mapping):
        return False
    return _preferred(consent, categories) and _not_opted_out(consent, categories) and _managed(managed, categories)


def _preferred(consent: Mapping[str, Any] | None, categories: Collection[str]) -> bool:
    if consent is None or "categoryPreferences" not in consent:
        return True
    preferences = consent["categoryPreferences"]
    return isinstance(preferences, Mapping) and all(preferences.get(category) is True for category in categories)


def _not_opted_out(consent: Mapping[str, Any] | None, categories: Collection[str]) -> bool:
    if consent is None or "optOut" not in consent:
        return True
    opted_out = consent["optOut"]
    return isinstance(opted_out, Mapping) and not any(_is_true(opted_out.get(category)) for category in categories)


def _managed(managed: Mapping[str, Any] | None, categories: Collection[str]) -> bool:
    if managed is None:
        return True
    denied, allowed = managed.get("deniedConsentIds"), managed.get("allowedConsentIds")
    if isinstance(denied, list) and any(category in denied for category in categories):
        return False
    return not isinstance(allowed, list) or not allowed or all(category in allowed for category in categories)


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _announced_by(event: Mapping[str, Any], audiences: Collection[str]) -> bool:
    properties = event.get("properties")
    announced = properties.get("audience_id") if isinstance(properties, Mapping) else None
    return isinstance(announced, str) and announced in audiences


def _chosen(chosen: Mapping[str, Any], names: Collection[str]) -> bool:
    named = [chosen[name] for name in names if name in chosen]
    if named:
        return any(value is not False for value in named)
    return chosen.get("All") is not False
