"""Dead letters: look at them, send them again, give them up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter
from litestar.response import ServerSentEvent

from headwater import jsontext
from headwater.console.access import visitor_of
from headwater.console.deliveries import runs
from headwater.console.deliveries.letter_trial import LetterTrial, letter_trial
from headwater.console.deliveries.run_progress import progress_of
from headwater.console.deliveries.runs import Action, Run
from headwater.console.forms import Form, form_of
from headwater.console.integrations.addresses import mapping_of, page_of
from headwater.console.live.kept_attempts import AttemptSearch, FoundAttempt
from headwater.console.pages.deliveries import names_of
from headwater.console.ports import console_of
from headwater.console.rendering import fragment, page
from headwater.console.replies import done, go_to
from headwater.console.streams import Event, pause, stream
from headwater.database.transactions import transaction
from headwater.errors import InputError, UnavailableError
from headwater.routing.dead_letters import Choice, StoredLetter
from headwater.routing.dead_letters import State as LetterState

SHOWN = 50
LOOK_SECONDS = 1.0
BEFORE_SECONDS = 5.0
"""How long before a letter was sent again its attempts are looked for: clocks differ."""
_LARGEST_ID = 2**63 - 1

Caller = Request[Any, Any, State]
_Text = Annotated[str, QueryParameter(max_length=1000)]
_Older = Annotated[int | None, QueryParameter(ge=1, le=_LARGEST_ID)]
_Id = Annotated[int, PathParameter(ge=1, le=_LARGEST_ID)]


@get("/deliveries/dead")
async def show_letters(
    request: Caller, integration: _Text = "", reason: _Text = "", status: _Text = "waiting", older_than: _Older = None
) -> Response[Any]:
    """Dead letters by reason, and one by one."""
    letters, state = console_of(request).services.dead_letters, _state(status)
    choice = Choice(integration_id=integration or None, reason=reason or None)
    found = await letters.page(choice, state, older_than, SHOWN)
    asked = {
        key: value for key, value in (("integration", integration), ("reason", reason), ("status", state)) if value
    }
    older = f"/deliveries/dead?{urlencode({**asked, 'older_than': found[-1].id})}" if len(found) == SHOWN else ""
    return page(
        request,
        "deliveries/letters.html",
        letters=found,
        state=state,
        integration=integration,
        reason=reason,
        reasons=[each for each in await letters.reasons() if integration in ("", each.integration_id)],
        older=older,
        newest=f"/deliveries/dead?{urlencode(asked)}" if older_than else "",
        **await names_of(request),
    )


@get("/deliveries/dead/{letter:int}")
async def show_letter(request: Caller, letter: _Id) -> Response[Any]:
    """One letter: what was sent, what came back, and what would be sent now."""
    stored = await console_of(request).services.dead_letters.find(letter)
    trial = await letter_trial(console_of(request), stored)
    return page(
        request,
        "deliveries/letter.html",
        record=_record(stored),
        mapping_of=mapping_of,
        page_of=page_of,
        **await _letter(request, stored, trial),
    )


@get("/deliveries/dead/{letter:int}/changes")
async def follow_letter(request: Caller, letter: _Id) -> ServerSentEvent:
    """What becomes of a letter, as it happens."""
    return stream(request, _letter_changes(request, letter))


@post("/deliveries/dead/{letter:int}/replay")
async def replay_letter(request: Caller, letter: _Id) -> Response[Any]:
    """Send one letter again."""
    actor = visitor_of(request).actor
    count = await console_of(request).services.dead_letters.replay(Choice(ids=(letter,)), actor)
    notice = "It is on its way again." if count else "It waits no more: somebody sent it again or discarded it."
    return await done(request, f"/deliveries/dead/{letter}", notice)


@post("/deliveries/dead/{letter:int}/discard")
async def discard_letter(request: Caller, letter: _Id) -> Response[Any]:
    """Give one letter up."""
    actor = visitor_of(request).actor
    count = await console_of(request).services.dead_letters.discard(Choice(ids=(letter,)), actor)
    notice = "It was discarded." if count else "It waits no more: somebody sent it again or discarded it."
    return await done(request, f"/deliveries/dead/{letter}", notice)


@post("/deliveries/dead/replay")
async def replay_letters(request: Caller) -> Response[Any]:
    """Send many again, in the background."""
    return await _begin(request, "replay")


@post("/deliveries/dead/discard")
async def discard_letters(request: Caller) -> Response[Any]:
    """Give many up, in the background."""
    return await _begin(request, "discard")


@get("/deliveries/runs")
async def show_runs(request: Caller) -> Response[Any]:
    """What was sent again or discarded lately."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await runs.newest(database)
    return page(request, "deliveries/runs.html", runs=found, **await names_of(request))


@get("/deliveries/runs/{run:int}")
async def show_run(request: Caller, run: _Id) -> Response[Any]:
    """How far a run is."""
    return page(request, "deliveries/run.html", **await _run(request, run))


@get("/deliveries/runs/{run:int}/changes")
async def follow_run(request: Caller, run: _Id) -> ServerSentEvent:
    """The same as it goes on."""
    return stream(request, _run_changes(request, run))


async def _begin(request: Caller, action: Action) -> Response[Any]:
    console = console_of(request)
    chosen = _choice(await form_of(request))
    run = await runs.begin(console.pool, console.services.dead_letters, action, chosen, visitor_of(request).actor)
    return go_to(request, f"/deliveries/runs/{run.id}")


def _choice(form: Form) -> Choice:
    """The letters that a form names: by check boxes, or a whole group; never all of them by an empty form."""
    ids = [text for text in form.texts("letter") if text.isdigit() and int(text) <= _LARGEST_ID]
    if ids:
        return Choice(ids=tuple(map(int, ids)))
    named = Choice(
        pipeline_id=form.text("pipeline") or None,
        integration_id=form.text("integration") or None,
        reason=form.text("reason") or None,
    )
    if named == Choice() and not form.checked("everything"):
        raise InputError("no letter was chosen; check those you mean", "letter")
    return named


def _state(text: str) -> LetterState:
    known: tuple[LetterState, ...] = get_args(LetterState)
    return next((each for each in known if each == text), "waiting")


def _record(stored: StoredLetter) -> Any:
    try:
        return jsontext.decode(stored.record)
    except InputError:
        return stored.record.decode("utf-8", "replace")  # a record that cannot be read may be why it is here


async def _letter(request: Caller, stored: StoredLetter, trial: LetterTrial) -> dict[str, Any]:
    after = () if stored.state == "waiting" else await _attempts_after(request, stored)
    return {"letter": stored, "trial": trial, "after": after, **await names_of(request)}


async def _attempts_after(request: Caller, stored: StoredLetter) -> tuple[FoundAttempt, ...]:
    search = _search(request, stored)
    try:
        return _after(stored, await search.look())
    finally:
        await search.stop()


def _search(request: Caller, stored: StoredLetter) -> AttemptSearch:
    """Looks for attempts of the letter's message since it stopped waiting."""
    since = _ended_at(stored) - BEFORE_SECONDS
    return AttemptSearch(console_of(request).log, stored.pipeline_id, stored.message_id, since)


def _after(stored: StoredLetter, found: Sequence[FoundAttempt]) -> tuple[FoundAttempt, ...]:
    """Those at the letter's integration since it stopped waiting."""
    since = _ended_at(stored)
    return tuple(
        each for each in found if each.attempt.integration_id == stored.integration_id and each.attempt.at >= since
    )


def _ended_at(stored: StoredLetter) -> float:
    return (stored.failed_at if stored.state_changed_at is None else stored.state_changed_at).timestamp()


async def _letter_changes(request: Caller, number: int) -> AsyncGenerator[Event]:
    console, shown = console_of(request), ""
    search: AttemptSearch | None = None
    try:
        while True:
            try:
                stored = await console.services.dead_letters.find(number)
                if search is None and stored.state != "waiting":
                    search = _search(request, stored)
                after = () if search is None else _after(stored, await search.look())
                html = fragment("deliveries/letter_state.html", letter=stored, after=after)
            except UnavailableError:
                html = shown  # the next look may succeed; what is shown is not wrong
            if html != shown:
                shown = html
                yield Event("state", html)
            await pause(request, LOOK_SECONDS)
    finally:
        if search is not None:
            await search.stop()


async def _run(request: Caller, number: int) -> dict[str, Any]:
    console = console_of(request)
    async with transaction(console.pool, read_only=True) as database:
        run: Run = await runs.find(database, number)
    progress = await progress_of(console.services.dead_letters, console.log, run)
    return {"run": run, "progress": progress, **await names_of(request)}


async def _run_changes(request: Caller, number: int) -> AsyncGenerator[Event]:
    shown = ""
    while True:
        try:
            html = fragment("deliveries/run_state.html", **await _run(request, number))
        except UnavailableError:
            html = shown
        if html != shown:
            shown = html
            yield Event("state", html)
        await pause(request, LOOK_SECONDS)


HANDLERS = (
    show_letters,
    show_letter,
    follow_letter,
    replay_letter,
    discard_letter,
    replay_letters,
    discard_letters,
    show_runs,
    show_run,
    follow_run,
)
