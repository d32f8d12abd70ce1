"""How long one event takes from its bytes to the profile that the database stores, step by step, without a database.

    python benchmarks/bench_profile_computation.py [--seconds 6] [--events 2000]

Events of a shop, 1.5 KB each, of people who come again and again, run through the Lytics playbook; its records go through
the default schema. Each line is one step: microseconds of processor time for each event, and how many times decoding and
encoding the same events that is. All steps are measured in turns within one run and the best round of each counts.

Almost every event is on a page of its own, which is the worst case for what is remembered by text.

`decode`   bytes of the event to an object; `codec` is that and encoding it again, the floor
`playbook` the kit's flat record
`effect`   what the record does: identifiers, links, fields
`evidence` key of the message, sightings and links of the effect
`merge`    the event's fragment into the fragment of its owner, which holds what came before
`fold`     the fragment of a person to a profile
`stored`   the profile's fields and meta fields to the bytes that the database gets
`all`      the steps from `decode` on, one event after the other; less than their sum, as the event is at hand
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from bench_transform import compiled, made_up_events
from headwater import jsontext
from headwater.expressions.stored import stored_json
from headwater.integrations import library
from headwater.playbooks import CompiledIntegration
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.documents import profile_document
from headwater.profiles.effects import EventEffect
from headwater.profiles.fold import Profile, fold
from headwater.profiles.fragments import Fragment, FragmentKey
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import milliseconds_of
from headwater.profiles.schema_file import default_schema
from headwater.profiles.sightings import Sighting, merge_sightings
from headwater.roles.lifecycle import GARBAGE_THRESHOLDS

EVENTS_PER_PERSON = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)
AT = milliseconds_of(RECEIVED)


def visits(count: int) -> list[bytes]:
    """The shop's events as JSON: each person comes `EVENTS_PER_PERSON` times, in another second each time."""
    people = max(1, count // EVENTS_PER_PERSON)
    events = made_up_events(count)
    for number, event in enumerate(events):
        person = number % people
        moment = START + timedelta(seconds=number * 37, milliseconds=number % 1000)
        event["timestamp"] = f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
        event["anonymousId"] = f"00000000-0000-4000-8000-{person:012d}"
        event["traits"]["email"] = f"person{person}@example.com"
        if "userId" in event:
            event["userId"] = f"user-{person}"
    return [orjson.dumps(event) for event in events]


class Histories:
    """What events left: fragments by owner, and sightings of each owner's identifiers."""

    def __init__(self, schema: CompiledSchema, effects: list[EventEffect]) -> None:
        self.schema = schema
        self.fragments: dict[FragmentKey, Fragment] = {}
        self.members: dict[FragmentKey, dict[Identifier, Sighting]] = {}
        for effect in effects:
            owner = effect.owner
            if owner is None:
                continue
            self.fragments[owner] = self.merged(owner, effect)
            members, seen = self.members.setdefault(owner, {}), effect.sighting()
            for each in effect.sighted():
                members[each] = merge_sightings(members[each], seen) if each in members else seen

    def merged(self, owner: FragmentKey, effect: EventEffect) -> Fragment:
        """The owner's fragment with one event more."""
        held, taken = self.fragments.get(owner), effect.fragment()
        return taken if held is None else self.schema.merge(held, taken)

    def profile(self, owner: FragmentKey) -> Profile:
        """The profile of one fragment."""
        return fold("0" * 32, self.members[owner], {owner: self.fragments[owner]}, self.schema, AT)


def stored(profile: Profile) -> bytes:
    """What the database gets."""
    return stored_json(profile_document(profile))


def evidence(effect: EventEffect) -> tuple[object, ...]:
    """What the builder looks up and links."""
    return effect.message_key, effect.sighted(), effect.sighting(), effect.links()


class Work(NamedTuple):
    """A step, and what it is done to."""

    step: Callable[[Any], object]
    inputs: Sequence[Any]

    def run(self) -> float:
        """Microseconds of processor time for each input."""
        step = self.step
        start = time.process_time()
        for each in self.inputs:
            step(each)
        return (time.process_time() - start) * 1e6 / len(self.inputs)


def works(count: int) -> dict[str, Work]:
    """Each step with its inputs, made beforehand. Merge and fold see the second half of the events; the first half is history."""
    texts = visits(count)
    events: list[dict[str, Any]] = [jsontext.decode(text) for text in texts]
    kit = compiled(library.FOLDER / "lytics")
    records = [kit.prepare(event).outputs[0].body for event in events]
    schema = CompiledSchema(default_schema())
    effects = [schema.effect(record, "default", RECEIVED) for record in records]
    past = Histories(schema, effects[: count // 2])
    owned = [(effect.owner, effect) for effect in effects[count // 2 :] if effect.owner is not None]
    owners = [owner for owner, _ in owned if owner in past.fragments]
    in_turn = _chain(kit, schema, past)
    return {
        "codec": Work(lambda text: jsontext.encode(jsontext.decode(text)), texts),
        "decode": Work(jsontext.decode, texts),
        "playbook": Work(kit.prepare, events),
        "effect": Work(lambda record: schema.effect(record, "default", RECEIVED), records),
        "evidence": Work(evidence, effects),
        "merge": Work(lambda pair: past.merged(*pair), owned),
        "fold": Work(past.profile, owners),
        "stored": Work(stored, [past.profile(owner) for owner in owners]),
        "all": Work(
            in_turn, [text for text, effect in zip(texts, effects, strict=True) if effect.owner in past.fragments]
        ),
    }


def _chain(kit: CompiledIntegration, schema: CompiledSchema, past: Histories) -> Callable[[bytes], object]:
    def all_steps(text: bytes) -> object:
        record = kit.prepare(jsontext.decode(text)).outputs[0].body
        effect = schema.effect(record, "default", RECEIVED)
        owner = effect.owner
        assert owner is not None
        evidence(effect)
        past.merged(owner, effect)
        return stored(past.profile(owner))

    return all_steps


def best_times(all_works: dict[str, Work], seconds: float) -> dict[str, float]:
    """Least microseconds of each work, all measured in turns."""
    best = dict.fromkeys(all_works, float("inf"))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)  # as the roles do
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, work in all_works.items():
            best[name] = min(best[name], work.run())
    return best


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=6.0)
    arguments.add_argument("--events", type=int, default=4_000)
    given = arguments.parse_args()
    best = best_times(works(given.events), given.seconds)
    print(f"{'step':<10}{'µs/event':>10}{'× codec':>9}")
    for name, microseconds in best.items():
        print(f"{name:<10}{microseconds:>10.1f}{microseconds / best['codec']:>9.2f}")


if __name__ == "__main__":
    main()
