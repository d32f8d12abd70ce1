"""What a person wants to decide about identities, from a form: read, tried, and put into force."""

from __future__ import annotations

from typing import Literal, NamedTuple

from headwater.console.forms import Form
from headwater.errors import InputError
from headwater.profiles.deciding import IdentityDesk, Outcome
from headwater.profiles.identifiers import Identifier

Action = Literal["unmerge", "block", "allow", "keep apart", "undo"]
LIMIT = 200

TITLES: dict[Action, str] = {
    "unmerge": "Take out of this profile",
    "block": "Block this value",
    "allow": "Allow this link",
    "keep apart": "Keep these apart",
    "undo": "Take this decision back",
}


class Wish(NamedTuple):
    """A decision that is not made yet. `number` is that of a decision to take back."""

    action: Action
    identifiers: tuple[Identifier, ...]
    number: int = 0

    @property
    def title(self) -> str:
        """What it does, as a headline."""
        return TITLES[self.action]

    @property
    def keys(self) -> tuple[str, ...]:
        """The identifiers as forms carry them."""
        return tuple(key_of(each) for each in self.identifiers)


def key_of(identifier: Identifier) -> str:
    """An identifier as forms and addresses carry it: names of types have no colon."""
    return f"{identifier.type}:{identifier.value}"


def identifier_from(key: str) -> Identifier:
    """The identifier that `key_of` wrote. Raises InputError."""
    name, colon, value = key.partition(":")
    if not colon or not name or not value:
        raise InputError("names no identifier; choose one on the page", "identifiers")
    return Identifier(name, value)


def wish_from(form: Form) -> Wish:
    """The wish that a form carries. A button named `block` chooses one value. Raises InputError for an incomplete one."""
    block = form.text("block")
    action = "block" if block else form.text("action")
    if action not in TITLES:
        raise InputError("choose what is to be done", "action")
    if action == "undo":
        number = form.text("decision")
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise InputError("names no decision; choose one on the page", "decision")
        return Wish("undo", (), int(number))
    keys = [block] if block else form.texts("identifier")
    if not keys:
        raise InputError("choose at least one identifier", "identifiers")
    if len(keys) > LIMIT:
        raise InputError(f"at most {LIMIT} identifiers at once", "identifiers")
    identifiers = tuple(dict.fromkeys(identifier_from(key) for key in keys))
    if action in ("allow", "keep apart") and len(identifiers) != 2:
        raise InputError("choose two identifiers", "identifiers")
    return Wish(_action(action), identifiers)


def _action(text: str) -> Action:
    return next(each for each in TITLES if each == text)


async def carry_out(desk: IdentityDesk, actor: str, wish: Wish, *, note: str = "", preview: bool) -> Outcome:
    """Decide; with `preview` nothing is kept. Raises as IdentityDesk does."""
    match wish.action:
        case "unmerge":
            return await desk.unmerge(actor, wish.identifiers, note=note, preview=preview)
        case "block":
            return await desk.block(actor, wish.identifiers[0], note=note, preview=preview)
        case "undo":
            return await desk.undo(actor, [wish.number], preview=preview)
        case _:
            decide = desk.allow if wish.action == "allow" else desk.keep_apart
            return await decide(actor, *wish.identifiers, note=note, preview=preview)
