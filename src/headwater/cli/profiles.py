"""`headwater profiles`: look at profiles, and decide who is who.

A profile is named by an identifier (`email:jane@shop.example`), or by its id, the present one or one that it had before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from headwater import jsontext
from headwater.audiences.observer import AudienceObserver
from headwater.cli.configuration_session import session, write_json, write_line, write_table
from headwater.cli.log_session import log_session
from headwater.cli.output import write_json_line
from headwater.cli.profile_rebuild import rebuild
from headwater.errors import InputError
from headwater.profiles.deciding import IdentityDesk, Outcome
from headwater.profiles.documents import readable_document
from headwater.profiles.explain import Explanation
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import instant_text
from headwater.profiles.reading import ProfileExplanation, ProfileReader, StoredProfile
from headwater.profiles.timeline import LogRecords, Timeline, TimelineEntry

app = App(name="profiles", help="Profiles: show, search, timeline, explain, stats; decide who is who; rebuild.")
app.command(rebuild)

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]
Preview = Annotated[bool, Parameter(negative=(), help="Only show what would change.")]
VALUE_CHARACTERS = 160
"""How much of a value is shown to people; --json has all."""


@app.command
async def show(profile: str, *, json: AsJson = False) -> None:
    """Show the fields of a profile.

    Parameters
    ----------
    profile
        An identifier such as email:jane@shop.example, or the id of a profile.
    """
    async with session() as made:
        found = await _find(ProfileReader(made.pool), profile)
        document = readable_document(found.fields)
        if json:
            write_json_line(jsontext.encode(document))
            return
        rows = [(name, _excerpt(value)) for name, value in document.items()]
        write_table(f"Profile {found.id}, {_health(found)}", ("field", "value"), rows)


@app.command
async def search(prefix: str, *, type: str | None = None, limit: int = 20, json: AsJson = False) -> None:  # noqa: A002  # the option's name
    """Find profiles by the beginning of an identifier.

    Parameters
    ----------
    prefix
        How the identifier begins; capitals count.
    type
        Only identifiers of this type, such as email.
    limit
        Show at most this many.
    """
    async with session() as made:
        found = await ProfileReader(made.pool).search(prefix, name=type, limit=limit)
        if json:
            write_json(msgspec.to_builtins(found))
            return
        rows = [(each.type, each.value, each.profile) for each in found]
        write_table(f"Identifiers that begin with {prefix}", ("type", "value", "profile"), rows)


@app.command
async def timeline(profile: str, *, limit: int = 20, older: str = "", json: AsJson = False) -> None:
    """Show the latest events of a profile, newest first.

    Parameters
    ----------
    profile
        An identifier such as email:jane@shop.example, or the id of a profile.
    limit
        Show at most this many.
    older
        The mark that the page before ended with.
    """
    async with log_session("profiles timeline") as made:
        found = await _find(ProfileReader(made.pool), profile)
        page = await Timeline(made.pool, [LogRecords(made.client)]).page(found.id, older=older, limit=limit)
        if json:
            document = {"entries": [_entry(each) for each in page.entries], "older": page.older}
            write_json_line(jsontext.encode(document))
            return
        rows = [(instant_text(each.at), each.stream, each.name, each.sequence) for each in page.entries]
        write_table(f"Profile {found.id}", ("time", "stream", "event", "record"), rows)
        if page.older:
            write_line(f"There are older ones: --older {page.older}")


@app.command
async def explain(profile: str, *, json: AsJson = False) -> None:
    """Show why a profile is what it is: identifiers, links, conflicts, decisions, and which event decided each field.

    Parameters
    ----------
    profile
        An identifier such as email:jane@shop.example, or the id of a profile.
    """
    async with session() as made:
        reader = ProfileReader(made.pool)
        found = await _find(reader, profile)
        told = await reader.explain(found.id)
        if told is None:
            raise InputError(f"there is no profile {profile!r}", "profile", "not_found")
        if json:
            write_json(msgspec.to_builtins(told))
        else:
            _show_explanation(told)


@app.command
async def stats(*, exact: Annotated[bool, Parameter(negative=())] = False, json: AsJson = False) -> None:
    """Show what is there: profiles, identifiers by type, health, and what did not go into profiles and why.

    Parameters
    ----------
    exact
        Count large tables one by one instead of estimating.
    """
    async with session() as made:
        found = await ProfileReader(made.pool).stats(exact=exact)
        if json:
            write_json(msgspec.to_builtins(found))
            return
        about = " (estimated)" if found.estimated else ""
        counts = [("profiles", found.profiles), ("messages", found.messages)]
        counts += [(f"identifiers {name}", count) for name, count in found.identifiers.items()]
        counts += [(f"profiles {state}", count) for state, count in found.health.items()]
        write_table(f"Profiles, schema {found.schema_version}{about}", ("what", "count"), counts)
        rows = [(each.kind, each.field, each.reason, each.count, each.example) for each in found.drops]
        write_table("Did not go into profiles", ("what", "field", "reason", "count", "example"), rows)


@app.command
async def allow(left: str, right: str, *, note: str = "", preview: Preview = False, json: AsJson = False) -> None:
    """Join two identifiers, whatever the rules say.

    Parameters
    ----------
    left
        An identifier such as email:jane@shop.example.
    right
        Another one.
    note
        Why, for those who read it later.
    """
    async with session() as made:
        desk = IdentityDesk(made.pool, [AudienceObserver()])
        ends = identifier_of(left), identifier_of(right)
        _show_outcome(await desk.allow(made.actor, *ends, note=note, preview=preview), preview, json)


@app.command
async def apart(left: str, right: str, *, note: str = "", preview: Preview = False, json: AsJson = False) -> None:
    """Keep two identifiers apart for ever: no chain of links joins them.

    Parameters
    ----------
    left
        An identifier such as email:jane@shop.example.
    right
        Another one.
    note
        Why, for those who read it later.
    """
    async with session() as made:
        desk = IdentityDesk(made.pool, [AudienceObserver()])
        ends = identifier_of(left), identifier_of(right)
        _show_outcome(await desk.keep_apart(made.actor, *ends, note=note, preview=preview), preview, json)


@app.command
async def unmerge(*identifiers: str, note: str = "", preview: Preview = False, json: AsJson = False) -> None:
    """Take identifiers out of their profile, together, for ever.

    Parameters
    ----------
    identifiers
        Those that leave, such as anonymous_id:3f2a.
    note
        Why, for those who read it later.
    """
    async with session() as made:
        desk = IdentityDesk(made.pool, [AudienceObserver()])
        leaving = [identifier_of(each) for each in identifiers]
        _show_outcome(await desk.unmerge(made.actor, leaving, note=note, preview=preview), preview, json)


@app.command
async def block(identifier: str, *, note: str = "", preview: Preview = False, json: AsJson = False) -> None:
    """Let a value join nothing any more.

    Parameters
    ----------
    identifier
        The value, such as email:info@shop.example.
    note
        Why, for those who read it later.
    """
    async with session() as made:
        desk = IdentityDesk(made.pool, [AudienceObserver()])
        _show_outcome(
            await desk.block(made.actor, identifier_of(identifier), note=note, preview=preview), preview, json
        )


@app.command
async def undo(*decisions: int, preview: Preview = False, json: AsJson = False) -> None:
    """Take decisions back.

    Parameters
    ----------
    decisions
        Their numbers, as `explain` and the commands that decide show them.
    """
    async with session() as made:
        desk = IdentityDesk(made.pool, [AudienceObserver()])
        _show_outcome(await desk.undo(made.actor, decisions, preview=preview), preview, json)


def identifier_of(text: str) -> Identifier:
    """The identifier that a person wrote as type:value. Raises InputError."""
    name, mark, value = text.partition(":")
    if not (name and mark and value):
        raise InputError(f"{text!r} is no identifier; write type:value, such as email:jane@shop.example", "identifier")
    return Identifier(name, value)


async def _find(reader: ProfileReader, text: str) -> StoredProfile:
    name, mark, value = text.partition(":")
    found = await (reader.by_identifier(name, value) if mark else reader.by_id(text))
    if found is None:
        raise InputError(
            f"there is no profile {text!r}; `headwater profiles search` finds some", "profile", "not_found"
        )
    return found


def _health(found: StoredProfile) -> str:
    return f"{found.health}: {'; '.join(found.reasons)}" if found.reasons else found.health


def _excerpt(value: Any) -> str:
    text = value if isinstance(value, str) else jsontext.encode(value).decode()
    return text if len(text) <= VALUE_CHARACTERS else f"{text[:VALUE_CHARACTERS]}…"


def _entry(each: TimelineEntry) -> dict[str, Any]:
    data: Mapping[str, Any] | None = None if each.record is None else each.record.data
    return {
        "at": instant_text(each.at),
        "stream": each.stream,
        "name": each.name,
        "sequence": each.sequence,
        "data": data,
    }


def _text(identifier: Identifier) -> str:
    return f"{identifier.type}:{identifier.value}"


def _show_explanation(told: ProfileExplanation) -> None:
    found: Explanation = told.explanation
    write_line(f"Profile {told.id}, {found.health.state}, rules {found.version}")
    used = [
        (
            _text(each.identifier),
            each.rank,
            f"{each.used} of {each.limit}" if each.limit else each.used,
            each.seen.count,
        )
        for each in found.identifiers
    ]
    write_table("Identifiers", ("identifier", "rank", "used", "events"), used)
    links = [
        (_text(each.pair[0]), _text(each.pair[1]), each.by, "" if each.seen is None else each.seen.message_id)
        for each in found.links
    ]
    write_table("Links that hold", ("one", "other", "by", "first event"), links)
    conflicts = [(_text(each.pair[0]), _text(each.pair[1]), each.state, each.reason) for each in found.conflicts]
    more = f", {found.further_conflicts} more are not listed" if found.further_conflicts else ""
    write_table(f"Links that do not hold{more}", ("one", "other", "state", "why"), conflicts)
    decided = [
        (
            each.id,
            each.decision.kind,
            _text(each.decision.left),
            "" if each.decision.right is None else _text(each.decision.right),
            each.decision.by,
            f"taken back by {each.undone_by}" if each.undone_by else "in force",
        )
        for each in told.decisions
    ]
    write_table("Decisions", ("number", "kind", "one", "other", "by", "state"), decided)
    fields = [
        (each.name, each.operator, _text(candidate.fragment.identifier), _excerpt(_plain(candidate.value)))
        for each in found.fields
        for candidate in each.candidates
        if candidate.counts
    ]
    write_table("Fields", ("field", "operator", "from the events of", "value"), fields)


def _plain(value: Any) -> Any:
    return readable_document({"value": value})["value"]


def _show_outcome(outcome: Outcome, preview: bool, json: bool) -> None:
    if json:
        write_json_line(jsontext.encode(msgspec.to_builtins(outcome)))
        return
    shown = ", ".join(str(each.id) for each in outcome.decisions)
    write_line(
        "This would change:" if preview else f"Decided: {shown}. `headwater profiles undo {shown}` takes it back."
    )
    for title, outlines in (("Before", outcome.before), ("After", outcome.after)):
        rows = [(each.id, " ".join(map(_text, each.identifiers)), each.health) for each in outlines]
        write_table(title, ("profile", "identifiers", "health"), rows)
