"""`headwater deadletters` on real dead letters."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from headwater.cli import deadletters
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines import audit_log
from headwater.routing.dead_letters import Choice, DeadLetterStore

Output = Callable[[Awaitable[None]], Awaitable[str]]


async def _waiting(install) -> list[int]:
    return sorted(letter.id for letter in await DeadLetterStore(install.pool).page(Choice()))


async def test_list_groups_by_reason(install, output: Output) -> None:
    """Letters are counted by where they belong and why, and filters narrow both the groups and the single letters."""
    for message_id, reason in (("m1", "HTTP 400"), ("m2", "HTTP 400"), ("m3", "HTTP 403")):
        await install.bury(message_id, reason)
    groups = json.loads(await output(deadletters.list_(json=True)))
    assert [(group["of"], group["reason"], group["letters"]) for group in groups] == [
        ("web/crm", "HTTP 400", 2),
        ("web/crm", "HTTP 403", 1),
    ]
    single = json.loads(await output(deadletters.list_(all=True, reason="HTTP 400", json=True)))
    assert [letter["message_id"] for letter in single] == ["m2", "m1"]
    assert json.loads(await output(deadletters.list_(all=True, limit=1, json=True)))[0]["message_id"] == "m3"
    assert json.loads(await output(deadletters.list_(pipeline="other", json=True))) == []
    assert "web/crm" in await output(deadletters.list_())
    assert "m3" in await output(deadletters.list_(all=True))


async def test_show_prints_record_request_and_reply(install, output: Output) -> None:
    """A letter is shown with its numbers to the last digit and its texts as they are, brackets included."""
    await install.bury("m1")
    (letter,) = await _waiting(install)
    shown = await output(deadletters.show(letter))
    for text in ("12345678901234567890.10", "https://crm.example/v1", "[bad] phone", "HTTP 400", "waiting"):
        assert text in shown
    document = await output(deadletters.show(letter, json=True))
    assert "12345678901234567890.10" in document
    assert json.loads(document)["of"] == "web/crm"


async def test_replay_queues_letters_once(install, output: Output) -> None:
    """Chosen letters are queued and wait no more; a second replay of them has nothing to do and says so."""
    for message_id in ("m1", "m2", "m3"):
        await install.bury(message_id)
    first, second, third = await _waiting(install)
    assert "Queued 2 letters" in await output(deadletters.replay(first, second))
    assert await install.queued() == 2
    assert await _waiting(install) == [third]
    with pytest.raises(InputError, match="none of these letters waits"):
        await deadletters.replay(first)
    shown = await output(deadletters.replay(second, third))
    assert "Queued 1 letters" in shown
    assert "1 did not wait any more" in shown


async def test_replay_of_a_reason(install, output: Output) -> None:
    """--reason takes the letters of that reason and leaves the others."""
    await install.bury("m1", "HTTP 400")
    await install.bury("m2", "HTTP 403")
    assert "Queued 1 letters" in await output(deadletters.replay(reason="HTTP 403", yes=True))
    assert len(await _waiting(install)) == 1


async def test_discard_asks_first(install, output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --yes and without a person to ask nothing is given up; with it the letters stay visible as discarded."""
    await install.bury("m1")
    (letter,) = await _waiting(install)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(InputError, match="--yes"):
        await deadletters.discard(letter)
    assert await _waiting(install) == [letter]
    assert "Discarded 1 letters" in await output(deadletters.discard(all=True, pipeline="web", yes=True))
    assert await _waiting(install) == []
    assert "discarded" in await output(deadletters.show(letter))
    async with transaction(install.pool, read_only=True) as connection:
        (entry,) = await audit_log.entries(connection, limit=1)
    assert (entry.action, entry.after["letters"], entry.after["first_ids"]) == ("dead letters discarded", 1, [letter])


async def test_letters_of_a_detached_integration_are_not_queued(install) -> None:
    """Nothing would ever empty that queue: the error says to attach again or to discard, and the letter waits on."""
    await install.bury("m1", integration_id="gone")
    with pytest.raises(InputError, match=r"web/gone .*discard"):
        await deadletters.replay(all=True, yes=True)
    assert len(await _waiting(install)) == 1
    assert await install.queued() == 0


async def test_a_choice_must_be_clear(install) -> None:
    """No choice at all, ids together with filters, and filters that fit nothing are mistakes with a remedy."""
    with pytest.raises(InputError, match="--all"):
        await deadletters.discard(yes=True)
    with pytest.raises(InputError, match="--all"):
        await deadletters.discard(pipeline="web", yes=True)
    with pytest.raises(InputError, match="not both"):
        await deadletters.replay(1, all=True)
    with pytest.raises(InputError, match="headwater deadletters list"):
        await deadletters.replay(reason="HTTP 418", yes=True)
