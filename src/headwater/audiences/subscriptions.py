"""Subscriptions: a URL that is told who enters and leaves some audiences.

A subscription is an integration of the kit `audience-webhook`, attached to the pipeline of entries and exits with a filter for
its audiences. So it has everything that integrations have: order, retries, dead letters, replay.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from headwater import jsontext
from headwater.audiences import store
from headwater.audiences.announcements import MEMBER, SUBSCRIPTION_KIT
from headwater.audiences.definition import NAME_LIMIT, check_name
from headwater.audiences.objects import Audience
from headwater.audiences.statements import QUERIES
from headwater.audiences.store import Draft
from headwater.audiences.trees import holds_everybody
from headwater.errors import InputError
from headwater.expressions import parse_filter
from headwater.integrations import library
from headwater.pipelines import deployment_store, integration_store, pipeline_store, revision_edit, slugs
from headwater.pipelines.audience_choice import PIPELINE
from headwater.pipelines.changes import Change
from headwater.pipelines.objects import Integration, Pipeline
from headwater.pipelines.revision_edit import RevisionEdit
from headwater.pipelines.secrets import SecretBox

SUBSCRIPTIONS_LIMIT = 500
FIELDS_LIMIT = 100
AUDIENCES_LIMIT = 100
_FIELD = re.compile(r"[A-Za-z0-9_.@ /-]{1,256}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "headwater-signature", "transfer-encoding"})


class Subscription(msgspec.Struct, frozen=True):
    """A subscription. `headers` are names only. `telling`: members of before are still being told about."""

    id: str
    name: str
    description: str
    segment_ids: tuple[str, ...]
    segment_ql: str
    user_fields: tuple[str, ...]
    webhook_url: str
    headers: tuple[str, ...]
    integration_id: str
    author: str
    created: datetime
    updated: datetime
    telling: bool = False


class SubscriptionDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants. Audiences are named by id or slug, or given as FilterQL with an ALIAS; None leaves what it is.

    `secret` signs the messages; a new subscription gets one unless it is given.
    """

    webhook_url: str | None = None
    name: str | None = None
    description: str | None = None
    segments: tuple[str, ...] | None = None
    segment_ql: str | None = None
    user_fields: tuple[str, ...] | None = None
    headers: dict[str, str] | None = None
    secret: str | None = None
    with_backfill: bool = False


class SavedSubscription(msgspec.Struct, frozen=True):
    """A subscription with its secret, where that is new: it is told now and never again."""

    subscription: Subscription
    secret: str | None


async def every(connection: Any, audience_id: str | None = None) -> list[Subscription]:
    """All subscriptions, oldest first; those to one audience if given."""
    return [_subscription(row) for row in await connection.fetch(QUERIES["subscriptions"], audience_id)]


async def find(connection: Any, subscription_id: str) -> Subscription:
    """One subscription by id. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["subscription"], subscription_id)
    if row is None:
        raise InputError(f"there is no subscription {subscription_id[:100]!r}", "id", code="not_found")
    return _subscription(row)


async def create(change: Change, draft: SubscriptionDraft, box: SecretBox) -> SavedSubscription:
    """Create a subscription with its integration, from now on. Raises InputError."""
    if len(await every(change.connection)) >= SUBSCRIPTIONS_LIMIT:
        raise InputError(f"there are {SUBSCRIPTIONS_LIMIT} subscriptions already; delete one first")
    if draft.webhook_url is None:
        raise InputError("a subscription needs a URL to send to", "webhook_url")
    audiences = await _audiences(change, draft)
    name = check_name(draft.name or f"Webhook of {audiences[0].slug}"[:NAME_LIMIT])
    now = datetime.now(UTC)
    integration = await integration_store.create(
        change, name=name, slug=None if slugs_from(name) else f"{SUBSCRIPTION_KIT}-{slugs.new_id()}"
    )
    made = Subscription(
        id=secrets.token_hex(16),
        name=name,
        description=draft.description or "",
        segment_ids=tuple(each.id for each in audiences),
        segment_ql=draft.segment_ql or "",
        user_fields=_checked_fields(draft.user_fields or ()),
        webhook_url=_checked_url(draft.webhook_url),
        headers=tuple(draft.headers or {}),
        integration_id=integration.id,
        author=change.actor,
        created=now,
        updated=now,
    )
    secret = draft.secret or secrets.token_urlsafe(32)
    await _save(change, made, integration, draft.headers or {}, secret, box)
    await deployment_store.attach(change, await _pipeline(change), integration)
    await _write(change, None, made, told=draft.with_backfill)
    return SavedSubscription(await find(change.connection, made.id), secret if draft.secret is None else None)


async def update(change: Change, before: Subscription, draft: SubscriptionDraft, box: SecretBox) -> SavedSubscription:
    """Change what the draft gives. Raises InputError."""
    named = draft.segments is not None or draft.segment_ql is not None
    audiences = await _audiences(change, draft) if named else None
    changed = msgspec.structs.replace(
        before,
        name=before.name if draft.name is None else check_name(draft.name),
        description=before.description if draft.description is None else draft.description,
        segment_ids=before.segment_ids if audiences is None else tuple(each.id for each in audiences),
        segment_ql=before.segment_ql if draft.segment_ql is None else draft.segment_ql,
        user_fields=before.user_fields if draft.user_fields is None else _checked_fields(draft.user_fields),
        webhook_url=before.webhook_url if draft.webhook_url is None else _checked_url(draft.webhook_url),
        headers=before.headers if draft.headers is None else tuple(draft.headers),
        updated=datetime.now(UTC),
    )
    integration = await integration_store.find(change.connection, before.integration_id)
    await _save(change, changed, integration, draft.headers, draft.secret, box)
    await deployment_store.deploy(change, await _pipeline(change), integration)
    await _write(change, before, changed, told=draft.with_backfill)
    return SavedSubscription(await find(change.connection, changed.id), None)


async def delete(change: Change, subscription: Subscription) -> None:
    """End a subscription with its integration; what still waits is not delivered."""
    integration = await integration_store.find(change.connection, subscription.integration_id)
    for attached in await deployment_store.attachments(change.connection):
        if attached.integration_id == integration.id:
            pipeline = await pipeline_store.find(change.connection, attached.pipeline_id)
            await deployment_store.detach(change, pipeline, integration)
    await change.connection.execute(QUERIES["own_audiences"])
    await change.connection.execute(QUERIES["delete_subscription"], subscription.id)
    await change.connection.execute(QUERIES["raise_audiences"])
    await change.record("subscription deleted", f"subscription {subscription.id}", subscription, None)
    await integration_store.delete(change, integration)


async def _write(change: Change, before: Subscription | None, after: Subscription, *, told: bool) -> None:
    await change.connection.execute(QUERIES["own_audiences"])
    await change.connection.execute(
        QUERIES["write_subscription"],
        after.id,
        after.name,
        after.description,
        list(after.segment_ids),
        after.segment_ql,
        list(after.user_fields),
        after.webhook_url,
        list(after.headers),
        after.integration_id,
        after.author,
        after.created,
        after.updated,
        told,
    )
    await change.connection.execute(QUERIES["raise_audiences"])
    what = "subscription created" if before is None else "subscription updated"
    await change.record(what, f"subscription {after.id}", before, after)


async def _audiences(change: Change, draft: SubscriptionDraft) -> list[Audience]:
    """The audiences of a subscription; they announce from now on. A text creates its audience, or changes the one of its ALIAS."""
    found = [await store.find(change.connection, name) for name in draft.segments or ()]
    if draft.segment_ql is not None:
        found.append(await _from_text(change, draft.segment_ql))
    if not 1 <= len(found) <= AUDIENCES_LIMIT:
        raise InputError(f"name 1 to {AUDIENCES_LIMIT} audiences, or give FilterQL in segmentql", "segment_ids")
    for audience in found:
        if holds_everybody(audience.segment_ql):
            raise InputError(f"{audience.slug!r} holds everybody: nobody enters or leaves it", "segment_ids")
    return [await _announcing(change, audience) for audience in {each.id: each for each in found}.values()]


async def _from_text(change: Change, text: str) -> Audience:
    alias = parse_filter(text).alias
    if alias is None:
        raise InputError("the filter needs an ALIAS: it names the audience", "segmentql")
    for audience in await store.every(change.connection):
        if audience.slug == alias:
            return await store.update(change, audience, Draft(segment_ql=text))
    return await store.create(change, Draft(segment_ql=text))


async def _announcing(change: Change, audience: Audience) -> Audience:
    if audience.emit_trigger:
        return audience
    return await store.update(change, audience, Draft(emit_trigger=True))


async def _pipeline(change: Change) -> Pipeline:
    return await pipeline_store.find(change.connection, PIPELINE)


async def _save(
    change: Change,
    subscription: Subscription,
    integration: Integration,
    headers: Mapping[str, str] | None,
    secret: str | None,
    box: SecretBox,
) -> None:
    """Save the integration that does what the subscription says. None leaves headers and secret as they are."""
    before = None
    if integration.latest_revision:
        before = (await integration_store.revision(change.connection, integration)).content
    parameters: dict[str, str | None] = {
        "URL": subscription.webhook_url,
        "USER_FIELDS": ",".join(subscription.user_fields),
    }
    if secret is not None:
        parameters["SECRET"] = _checked_secret(secret)
    if headers is not None:
        earlier = {} if before is None else before.parameters
        parameters.update({name: None for name in earlier if name.startswith("HEADER_")})
        parameters.update(_header_parameters(headers))
    edit = RevisionEdit(
        kit=SUBSCRIPTION_KIT,
        texts=_texts(subscription.headers),
        parameters=parameters,
        overrides=_filter(subscription),
        accept_conflicts=True,
    )
    content = revision_edit.edited(before, edit, box, integration.id)
    await integration_store.save(change, integration, content, "subscription")


def _texts(headers: Sequence[str]) -> dict[str, str]:
    """The kit's files, with the headers that the subscription adds: their values are secret parameters."""
    texts = library.texts(SUBSCRIPTION_KIT)
    if not headers:
        return texts
    document = yaml.safe_load(texts.pop("connection.yaml"))
    document["params"] += [
        {"name": f"HEADER_{number}", "isSensitive": True, "description": f"Value of the header {name}."}
        for number, name in enumerate(headers)
    ]
    document["default"]["headers"] = [
        {"key": name, "value": f"$$HEADER_{number}$$"} for number, name in enumerate(headers)
    ]
    return {**texts, "connection.json": jsontext.encode(document).decode()}


def _header_parameters(headers: Mapping[str, str]) -> dict[str, str | None]:
    for name, value in headers.items():
        if _HEADER.fullmatch(name) is None or name.lower() in _OWN_HEADERS:
            raise InputError(f"{name[:100]!r} is no header that may be set", "headers")
        if not value or len(value) > 4096 or not value.isprintable():
            raise InputError(f"the value of {name} must be 1 to 4096 printable characters", "headers")
    return {f"HEADER_{number}": value for number, value in enumerate(headers.values())}


def _filter(subscription: Subscription) -> dict[str, Any]:
    """Entries and exits of the subscription's audiences, and what is told to it alone."""
    own = {"stringEqual": {"inputPath": "properties.subscription_id", "value": subscription.id}}
    audiences = [
        {"stringEqual": {"inputPath": "properties.audience_id", "value": audience_id}}
        for audience_id in subscription.segment_ids
    ]
    changes = [
        {"stringNotEqual": {"inputPath": "event", "value": MEMBER}},
        {"matchesAny": {"conditions": audiences}},
    ]
    condition = {"matchesAny": {"conditions": [own, {"matchesAll": {"conditions": changes}}]}}
    return {"global": {"filters": [{"byConditions": {"action": "allow", "when": condition}}]}}


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > 2048 or not url.isprintable():
        raise InputError("must be an http or https URL", "webhook_url")
    return url


def _checked_fields(fields: Sequence[str]) -> tuple[str, ...]:
    if len(fields) > FIELDS_LIMIT or any(_FIELD.fullmatch(field) is None for field in fields):
        raise InputError(f"at most {FIELDS_LIMIT} names of fields, without quotes and commas", "user_fields")
    return tuple(dict.fromkeys(fields))


def _checked_secret(secret: str) -> str:
    if not 8 <= len(secret) <= 1024 or not secret.isprintable():
        raise InputError("a secret has 8 to 1024 printable characters", "secret")
    return secret


def slugs_from(name: str) -> bool:
    """Whether a slug can be made from a name."""
    return re.search(r"[a-z0-9]", name.lower()) is not None


def _subscription(row: Mapping[str, Any]) -> Subscription:
    values = dict(row)
    return Subscription(
        **{**values, **{name: tuple(values[name]) for name in ("segment_ids", "user_fields", "headers")}}
    )
