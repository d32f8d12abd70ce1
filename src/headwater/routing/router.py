"""Keep one delivery running for every attachment of the configuration.

A deployment reaches a running delivery as a new destination; its consumer, and so its position in the log, stays. An
attachment whose revision cannot be made ready (a secret is missing) keeps its old destination, or waits, and is
reported: its records stay in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

import nats.errors
import structlog
from nats.aio.client import Client

from headwater.cancelling import cancelled
from headwater.errors import ConfigurationError
from headwater.log import consumer, streams
from headwater.log.consumer import Consumer, ConsumerSpec
from headwater.log.records import subject_filter, subject_token
from headwater.pipelines.snapshot import AttachedRevision, ConfigurationSnapshot
from headwater.profiles.targets import is_profiles
from headwater.routing import metrics, replays
from headwater.routing.attempts import AttemptLog
from headwater.routing.dead_letters import DeadLetter, DeadLetterStore
from headwater.routing.delivery import Delivery, StoreDeadLetters
from headwater.routing.destination import Destination
from headwater.routing.ownership import Ownership

CONSUMER_PREFIX = "route"
FOREIGN_SECONDS = 60.0
"""By then every router has followed a deployment, so an unknown position belongs to nobody."""

logger = structlog.get_logger(__name__)

MakeDestination = Callable[[AttachedRevision], Destination]
Key = tuple[str, str]
"""Pipeline id and integration id."""
Use = tuple[int, tuple[str, ...] | None]
"""What decides what a delivery sends: number of the revision, and the audiences that it hears about."""


class _Running(NamedTuple):
    delivery: Delivery
    task: asyncio.Task[None]
    use: Use


class Router:
    """Starts, changes and stops deliveries as the configuration says."""

    def __init__(
        self,
        client: Client,
        store: DeadLetterStore,
        make_destination: MakeDestination,
        ownership: Ownership,
        attempts: AttemptLog,
    ) -> None:
        self._client = client
        self._store = store
        self._make_destination = make_destination
        self._ownership = ownership
        self._attempts = attempts
        self._running: dict[Key, _Running] = {}
        self._known: set[str] = set()
        self._faulty: set[str] = set()

    @property
    def deliveries(self) -> dict[str, Delivery]:
        """The deliveries of this process by name."""
        return {running.delivery.name: running.delivery for running in self._running.values()}

    async def follow(self, snapshots: AsyncIterator[ConfigurationSnapshot]) -> None:
        """Bring the deliveries in line with each snapshot, for ever."""
        async for snapshot in snapshots:
            await self.apply(snapshot)

    async def apply(self, snapshot: ConfigurationSnapshot) -> None:
        """Bring the deliveries in line with one snapshot."""
        wanted = {_key(attached): attached for attached in snapshot.attachments if _is_delivered(attached)}
        await asyncio.gather(*(self._stop(key) for key in list(self._running) if key not in wanted))
        self._forget_faults({_name(attached) for attached in wanted.values()})
        for key, attached in wanted.items():
            running = self._running.get(key)
            if running is None or running.task.done():
                self._start(key, attached)
            elif running.use != _use(attached):
                await self._change(key, running, attached)
        await self._forget_detached(snapshot)

    async def stop(self) -> None:
        """End every delivery in an orderly way."""
        await asyncio.gather(*(self._stop(key) for key in list(self._running)))

    def _start(self, key: Key, attached: AttachedRevision) -> None:
        destination = self._destination(attached)
        if destination is None:
            return
        delivery = Delivery(
            name=_name(attached),
            destination=destination,
            consumers=[Consumer(self._client, spec) for spec in consumer_specs(attached)],
            store=self._dead_letter_storage(key),
            attempts=self._attempts.of(*key),
        )
        task = asyncio.create_task(self._run(key, delivery), name=f"delivery {delivery.name}")
        self._running[key] = _Running(delivery, task, _use(attached))
        logger.info("delivering", integration=delivery.name, revision=attached.attachment.revision)

    async def _run(self, key: Key, delivery: Delivery) -> None:
        if delivery.ordered:
            await self._ownership.hold(f"{key[0]}/{key[1]}", delivery.run)
        else:
            await delivery.run()

    async def _change(self, key: Key, running: _Running, attached: AttachedRevision) -> None:
        destination = self._destination(attached)
        if destination is None:
            return
        if destination.pace.order_per_user != running.delivery.ordered:
            await self._stop(key)
            self._start(key, attached)
            return
        running.delivery.use(destination)
        self._running[key] = running._replace(use=_use(attached))
        logger.info("deployed", integration=running.delivery.name, revision=attached.attachment.revision)

    def _destination(self, attached: AttachedRevision) -> Destination | None:
        name = _name(attached)
        try:
            destination = self._make_destination(attached)
        except ConfigurationError as fault:
            self._faulty.add(name)
            metrics.REVISION_FAULTY.labels(name).set(1)
            logger.error(
                "a revision cannot work; its records wait in the log",
                integration=name,
                revision=attached.attachment.revision,
                reason=str(fault),
            )
            return None
        self._faulty.discard(name)
        metrics.REVISION_FAULTY.labels(name).set(0)
        return destination

    def _forget_faults(self, wanted: set[str]) -> None:
        """An integration that nobody uses any more is no reason for an alarm."""
        for name in self._faulty - wanted:
            metrics.REVISION_FAULTY.labels(name).set(0)
        self._faulty &= wanted

    async def _stop(self, key: Key) -> None:
        running = self._running.pop(key)
        await running.delivery.stop()
        done, _ = await asyncio.wait([running.task], timeout=30)
        if not done:
            await cancelled(running.task)

    async def _forget_detached(self, snapshot: ConfigurationSnapshot) -> None:
        """Delete the positions of integrations that are attached no more; a paused one keeps its position.

        Another router may hold a newer snapshot and have made a position for an attachment that we do not know yet: what is
        young and was never attached here is left alone.
        """
        attached = {consumer_name(_key(attached)) for attached in snapshot.attachments}
        known, self._known = self._known, attached
        try:
            for stream in (streams.MAIN, streams.REPLAYS):
                for found in await consumer.lag(self._client, stream):
                    ours = found.name.startswith(f"{CONSUMER_PREFIX}-") and found.name not in attached
                    if ours and (found.name in known or found.age_seconds > FOREIGN_SECONDS):
                        await consumer.delete(self._client, stream, found.name)
                        logger.info(
                            "position of a detached integration deleted", consumer=found.name, waiting=found.waiting
                        )
        except (OSError, TimeoutError, nats.errors.Error) as fault:
            logger.warning(
                "positions of detached integrations are left for the next change", reason=type(fault).__name__
            )

    def _dead_letter_storage(self, key: Key) -> StoreDeadLetters:
        async def store(letters: Sequence[DeadLetter]) -> None:
            await self._store.add(*key, letters)

        return store


def consumer_specs(attached: AttachedRevision) -> list[ConsumerSpec]:
    """The two positions of an attachment: in the log from when it was attached, and in its queue of replays."""
    attachment = attached.attachment
    name = consumer_name(_key(attached))
    return [
        ConsumerSpec(
            stream=streams.MAIN,
            name=name,
            subjects=(subject_filter("event", attachment.pipeline_id),),
            start_time=attachment.attached_at.timestamp(),
        ),
        ConsumerSpec(
            stream=streams.REPLAYS,
            name=name,
            subjects=(replays.subject(attachment.pipeline_id, attachment.integration_id),),
        ),
    ]


def consumer_name(key: Key) -> str:
    """The durable name of an attachment's consumers."""
    return f"{CONSUMER_PREFIX}-{subject_token(key[0])}-{subject_token(key[1])}"


def consumer_labels(snapshot: ConfigurationSnapshot) -> dict[str, str]:
    """What people call the consumers of a snapshot's attachments: "pipeline/integration"."""
    return {consumer_name(_key(attached)): _name(attached) for attached in snapshot.attachments}


def _is_delivered(attached: AttachedRevision) -> bool:
    """Whether the router serves an attachment: paused ones wait, and profiles are built from the log by another role."""
    return attached.attachment.enabled and not is_profiles(attached)


def _key(attached: AttachedRevision) -> Key:
    return attached.attachment.pipeline_id, attached.attachment.integration_id


def _use(attached: AttachedRevision) -> Use:
    return attached.attachment.revision, attached.attachment.audiences


def _name(attached: AttachedRevision) -> str:
    return f"{attached.attachment.pipeline}/{attached.attachment.integration}"
