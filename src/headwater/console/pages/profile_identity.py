"""The identity of a profile: its picture, why two identifiers are joined, and decisions with a preview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import QueryParameter

from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import form_of
from headwater.console.pages.profile import ProfileId, explained, head_of
from headwater.console.ports import console_of
from headwater.console.profiles.decision_form import carry_out, identifier_from, key_of, wish_from
from headwater.console.profiles.identity_picture import NODE_HEIGHT, NODE_WIDTH, picture_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.errors import InputError
from headwater.expressions import from_stored
from headwater.profiles.deciding import Outcome, ProfileOutline
from headwater.profiles.explain import ExplainedLink, Explanation, chain
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import instant

Caller = Request[Any, Any, State]
_Key = Annotated[str, QueryParameter(max_length=1200, pattern=r"^[^\x00]*$")]

MEASURES = {"width": NODE_WIDTH, "height": NODE_HEIGHT}


class Step(NamedTuple):
    """One link of the chain from an identifier to another."""

    left: Identifier
    right: Identifier
    link: ExplainedLink


class Preview(NamedTuple):
    """A profile as it would be: its identifiers and fields, without those that it fills itself."""

    id: str
    identifiers: Sequence[Identifier]
    fields: dict[str, Any]
    is_new: bool


@get("/profiles/{profile:str}/identity")
async def show_identity(request: Caller, profile: ProfileId, one: _Key = "", other: _Key = "") -> Response[Any]:
    """Identifiers, links, conflicts and decisions; `one` and `other` ask why these two are the same person."""
    return await _identity(request, profile, one, other, None)


@post("/profiles/{profile:str}/identity/preview")
async def preview_decision(request: Caller, profile: ProfileId) -> Response[Any]:
    """What a decision would do, before anything is kept."""
    head = await head_of(request, profile)
    form = await form_of(request)
    desk = console_of(request).services.profiles.identity
    try:
        wish = wish_from(form)
        outcome = await carry_out(desk, visitor_of(request).actor, wish, preview=True)
    except InputError as fault:
        return await _identity(request, profile, "", "", fault)
    before, after = _changed(outcome)
    known = {each.id for each in before}
    return page(
        request,
        "profiles/preview.html",
        head=head,
        wish=wish,
        before=before,
        after=[_preview(each, known) for each in after],
        decisions=outcome.decisions,
    )


@post("/profiles/{profile:str}/identity/decide")
async def decide(request: Caller, profile: ProfileId) -> Response[Any]:
    """Put a decision into force."""
    form = await form_of(request)
    desk = console_of(request).services.profiles.identity
    try:
        wish = wish_from(form)
        note = form.text("note").strip()
        outcome = await carry_out(desk, visitor_of(request).actor, wish, note=note, preview=False)
    except InputError as fault:
        return await _identity(request, profile, "", "", fault)
    told = {0: "No profile changed.", 1: "There is one profile now."}
    made = len(_changed(outcome)[1])
    notice = told.get(made, f"There are {made} profiles now.")
    return await done(request, f"/profiles/{profile}/identity", f"Decided. {notice}")


async def _identity(request: Caller, profile: str, one: str, other: str, fault: InputError | None) -> Response[Any]:
    head = await head_of(request, profile)
    told = await explained(request, profile)
    steps, asked = None, None
    if one and other and fault is None:
        try:
            asked = identifier_from(one), identifier_from(other)
            steps = _chain(told.explanation, *asked)
        except InputError as wrong:
            fault = wrong
    return page(
        request,
        "profiles/identity.html",
        status=200 if fault is None else status_of(fault),
        head=head,
        explanation=told.explanation,
        decisions=told.decisions,
        picture=picture_of(told.explanation),
        measures=MEASURES,
        key_of=key_of,
        moment=_moment,
        steps=steps,
        asked=asked,
        one=one,
        other=other,
        fault=fault,
    )


def _chain(explanation: Explanation, one: Identifier, other: Identifier) -> list[Step] | None:
    links = {frozenset(link.pair): link for link in explanation.links}
    found = chain(one, other, [link.pair for link in explanation.links])
    return None if found is None else [Step(left, right, links[frozenset((left, right))]) for left, right in found]


def _changed(outcome: Outcome) -> tuple[list[ProfileOutline], list[ProfileOutline]]:
    """The profiles that are others afterwards; an outcome tells of everyone whom links lead to."""
    before = {frozenset(each.identifiers) for each in outcome.before}
    after = {frozenset(each.identifiers) for each in outcome.after}
    return (
        [each for each in outcome.before if frozenset(each.identifiers) not in after],
        [each for each in outcome.after if frozenset(each.identifiers) not in before],
    )


def _preview(outline: ProfileOutline, before: set[str]) -> Preview:
    fields = {} if outline.fields is None else from_stored(outline.fields)
    own = {name: value for name, value in fields.items() if not name.startswith("_")}
    return Preview(outline.id, outline.identifiers, own, outline.id not in before)


def _moment(milliseconds: int) -> datetime:
    return instant(milliseconds)


HANDLERS = (show_identity, preview_decision, decide)
