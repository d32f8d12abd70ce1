"""`headwater deadletters`: what was refused for good, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from headwater import jsontext
from headwater.cli import attachment_names
from headwater.cli.attachment_names import AttachmentNames
from headwater.cli.configuration_session import session, write_json, write_line, write_table
from headwater.cli.log_session import log_session, log_writer
from headwater.cli.output import agreed, progress_bar, write_json_line
from headwater.errors import InputError
from headwater.routing.dead_letters import (
    Choice,
    DeadLetterStore,
    LetterSummary,
    ReasonCount,
    StoredLetter,
    discard_dead_letters,
)
from headwater.routing.replays import replay_dead_letters

app = App(name="deadletters", help="Dead letters: look, deliver again, discard.")

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]
Yes = Annotated[bool, Parameter(negative=(), help="Do it without being asked.")]
Flag = Annotated[bool, Parameter(negative=())]
LETTERS_AT_ONCE = 500


@app.command(name="list")
async def list_(
    *,
    pipeline: str | None = None,
    integration: str | None = None,
    reason: str | None = None,
    all: Flag = False,  # noqa: A002  # the option's name, as in `replay` and `discard`
    limit: int = 100,
    json: AsJson = False,
) -> None:
    """Show how many letters wait for which reason.

    Parameters
    ----------
    pipeline
        Only letters of this pipeline, by slug or id.
    integration
        Only letters of this integration, by slug or id.
    reason
        Only letters with exactly this reason.
    all
        Show the single letters, newest first.
    limit
        With --all, at most so many.
    """
    if limit <= 0:
        raise InputError(f"must be more than 0, got {limit}", "--limit")
    async with session() as made:
        store = DeadLetterStore(made.pool)
        names = await attachment_names.load(made.pool)
        choice = _choice(names, pipeline, integration, reason)
        letters = await _newest(store, choice, limit) if all else []
        groups = [group for group in await store.reasons() if _covers(choice, group)]
    if all:
        _show_letters(letters, names, json=json)
    else:
        _show_groups(groups, names, json=json)


@app.command
async def show(letter: int, *, json: AsJson = False) -> None:
    """Show a letter: the record, the request, the reply. Secrets are masked.

    Parameters
    ----------
    letter
        Its id, from `headwater deadletters list --all`.
    """
    async with session() as made:
        found = await DeadLetterStore(made.pool).find(letter)
        names = await attachment_names.load(made.pool)
    if json:
        write_json_line(jsontext.encode(_document(found, names)))
        return
    rows = [
        ("of", names.of(found.pipeline_id, found.integration_id)),
        ("revision", found.revision),
        ("message id", found.message_id),
        ("reason", found.reason),
        ("attempts", found.attempts),
        ("first seen", _moment(found.first_seen)),
        ("failed", _moment(found.failed_at)),
        ("state", _state(found)),
    ]
    write_table(f"Dead letter {found.id}", ("", ""), rows)
    _show_part("Record", jsontext.decode(found.record))
    _show_part("Request", found.request)
    _show_part("Reply", found.reply)


@app.command
async def replay(
    *letters: int,
    all: Flag = False,  # noqa: A002  # the option's name
    pipeline: str | None = None,
    integration: str | None = None,
    reason: str | None = None,
    yes: Yes = False,
) -> None:
    """Deliver letters again, each to its own integration, with the revision in use now.

    Parameters
    ----------
    letters
        Ids, from `headwater deadletters list --all`.
    all
        All that wait, narrowed by the options below.
    pipeline
        Those of this pipeline, by slug or id.
    integration
        Those of this integration, by slug or id.
    reason
        Those with exactly this reason.
    """
    async with log_session("deadletters replay") as made:
        store = DeadLetterStore(made.pool)
        names = await attachment_names.load(made.pool)
        choice = _chosen(names, letters, all, pipeline, integration, reason)
        owners = await _owners(store, choice)
        _require_attached(owners, names)
        total = sum(owners.values())
        if total == 0:
            raise _nothing(choice)
        # Single letters were named one by one; a whole group is asked about, as it may be large.
        if choice.ids is None and not yes and not agreed(f"Deliver {total:,} dead letters again?"):
            return
        with progress_bar("queueing", total) as advance:
            async with log_writer(made.client) as writer:
                queued = await replay_dead_letters(writer, store, choice, made.actor, advance)
    write_line(f"Queued {queued:,} letters; `headwater log lag` shows how many are left.")
    _tell_rest(choice, queued)


@app.command
async def discard(
    *letters: int,
    all: Flag = False,  # noqa: A002  # the option's name
    pipeline: str | None = None,
    integration: str | None = None,
    reason: str | None = None,
    yes: Yes = False,
) -> None:
    """Give letters up: they are not delivered, and stay visible as discarded.

    Parameters
    ----------
    letters
        Ids, from `headwater deadletters list --all`.
    all
        All that wait, narrowed by the options below.
    pipeline
        Those of this pipeline, by slug or id.
    integration
        Those of this integration, by slug or id.
    reason
        Those with exactly this reason.
    """
    async with session() as made:
        store = DeadLetterStore(made.pool)
        choice = _chosen(await attachment_names.load(made.pool), letters, all, pipeline, integration, reason)
        total = sum((await _owners(store, choice)).values())
        if total == 0:
            raise _nothing(choice)
        if not yes and not agreed(f"Give up {total:,} dead letters for good?"):
            return
        with progress_bar("discarding", total) as advance:
            discarded = await discard_dead_letters(store, choice, made.actor, advance)
    write_line(f"Discarded {discarded:,} letters.")
    _tell_rest(choice, discarded)


def _choice(names: AttachmentNames, pipeline: str | None, integration: str | None, reason: str | None) -> Choice:
    return Choice(
        pipeline_id=_id_of(names.pipelines, pipeline),
        integration_id=_id_of(names.integrations, integration),
        reason=reason,
    )


def _id_of(slugs: dict[str, str], name: str | None) -> str | None:
    """The id behind a slug; any other text is taken as the id of something that may be deleted by now."""
    return next((object_id for object_id, slug in slugs.items() if slug == name), name)


def _chosen(
    names: AttachmentNames,
    letters: tuple[int, ...],
    everything: bool,
    pipeline: str | None,
    integration: str | None,
    reason: str | None,
) -> Choice:
    choice = _choice(names, pipeline, integration, reason)
    narrowed = choice != Choice()
    if letters and (everything or narrowed):
        raise InputError("give ids, or --all with filters, not both", "letters")
    if letters:
        return Choice(ids=letters)
    if not everything and reason is None:
        raise InputError(
            "nothing is chosen; give ids, --reason, or --all (with --pipeline and --integration to narrow it)",
            "letters",
        )
    return choice


async def _owners(store: DeadLetterStore, choice: Choice) -> dict[tuple[str, str], int]:
    """How many of the chosen letters wait, by pipeline and integration."""
    owners: dict[tuple[str, str], int] = {}
    if choice.ids is None:
        for group in await store.reasons():
            if _covers(choice, group):
                owner = group.pipeline_id, group.integration_id
                owners[owner] = owners.get(owner, 0) + group.letters
        return owners
    for letter_id in set(choice.ids):
        letter = await store.find(letter_id)
        if letter.state == "waiting":
            owner = letter.pipeline_id, letter.integration_id
            owners[owner] = owners.get(owner, 0) + 1
    return owners


def _covers(choice: Choice, group: ReasonCount) -> bool:
    return (
        choice.pipeline_id in (None, group.pipeline_id)
        and choice.integration_id in (None, group.integration_id)
        and choice.reason in (None, group.reason)
    )


def _require_attached(owners: dict[tuple[str, str], int], names: AttachmentNames) -> None:
    for owner, count in owners.items():
        if owner not in names.attached:
            raise InputError(
                f"nothing delivers to {names.of(*owner)} any more, where {count:,} of the letters belong; attach it "
                "again with `headwater pipeline attach`, leave them out, or discard them",
                "letters",
            )


def _nothing(choice: Choice) -> InputError:
    if choice.ids is not None:
        return InputError(
            "none of these letters waits; `headwater deadletters show ID` tells what became of it", "letters"
        )
    return InputError("no letter waits that fits; `headwater deadletters list` shows what there is", "letters")


def _tell_rest(choice: Choice, treated: int) -> None:
    if choice.ids is not None and (rest := len(set(choice.ids)) - treated):
        write_line(f"{rest:,} did not wait any more.")


async def _newest(store: DeadLetterStore, choice: Choice, limit: int) -> list[LetterSummary]:
    found: list[LetterSummary] = []
    while len(found) < limit:
        before = found[-1].id if found else None
        page = await store.page(choice, before=before, limit=min(limit - len(found), LETTERS_AT_ONCE))
        if not page:
            break
        found.extend(page)
    return found


def _show_groups(groups: Sequence[ReasonCount], names: AttachmentNames, *, json: bool) -> None:
    if json:
        write_json([{**msgspec.to_builtins(group), "of": names.of(*_owner(group))} for group in groups])
        return
    if not groups:
        write_line("No dead letters.")
        return
    rows = [
        (f"{group.letters:,}", names.of(*_owner(group)), group.reason, _moment(group.oldest), _moment(group.newest))
        for group in groups
    ]
    write_table("Dead letters", ("letters", "of", "reason", "oldest", "newest"), rows)


def _show_letters(letters: Sequence[LetterSummary], names: AttachmentNames, *, json: bool) -> None:
    if json:
        write_json([{**msgspec.to_builtins(letter), "of": names.of(*_owner(letter))} for letter in letters])
        return
    if not letters:
        write_line("No dead letters.")
        return
    rows = [
        (
            letter.id,
            names.of(*_owner(letter)),
            letter.message_id,
            letter.reason,
            letter.attempts,
            _moment(letter.failed_at),
        )
        for letter in letters
    ]
    write_table("Dead letters", ("id", "of", "message id", "reason", "attempts", "failed"), rows)


def _owner(found: ReasonCount | LetterSummary) -> tuple[str, str]:
    return found.pipeline_id, found.integration_id


def _document(letter: StoredLetter, names: AttachmentNames) -> dict[str, Any]:
    content = {name: getattr(letter, name) for name in letter.__struct_fields__ if name != "record"}
    built: dict[str, Any] = msgspec.to_builtins(content, builtin_types=())
    return {**built, "of": names.of(*_owner(letter)), "record": jsontext.decode(letter.record)}


def _show_part(title: str, document: Any) -> None:
    write_line(f"\n{title}")
    if document is None:
        write_line("  none")
        return
    write_line(msgspec.json.format(jsontext.encode(document), indent=2).decode())


def _state(letter: StoredLetter) -> str:
    if letter.state_changed_at is None:
        return letter.state
    return f"{letter.state} {_moment(letter.state_changed_at)} by {letter.state_changed_by}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
