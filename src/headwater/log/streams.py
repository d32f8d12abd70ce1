"""The JetStream streams: their names, subjects and limits, created or brought up to date at every start.

| stream    | subjects            | holds                                                     |
|-----------|---------------------|-----------------------------------------------------------|
| HEADWATER | hw.event.>, hw.stream.> | every accepted record, for the retention time         |
| REPLAYS   | hw.replay.>         | records to be sent again to one integration, until sent   |
| REFUSED   | hw.refused.>        | what collect refused, newest within a size                |
| ATTEMPTS  | hw.attempt.>        | requests and answers of deliveries, a sample, newest within a size |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError, ServerError

from headwater.errors import ConfigurationError
from headwater.log.records import SUBJECT_ROOT
from headwater.settings import LogSettings

MAIN = "HEADWATER"
REPLAYS = "REPLAYS"
REFUSED = "REFUSED"
ATTEMPTS = "ATTEMPTS"
SUBJECTS = {
    MAIN: [f"{SUBJECT_ROOT}.event.>", f"{SUBJECT_ROOT}.stream.>"],
    REPLAYS: [f"{SUBJECT_ROOT}.replay.>"],
    REFUSED: [f"{SUBJECT_ROOT}.refused.>"],
    ATTEMPTS: [f"{SUBJECT_ROOT}.attempt.>"],
}
_PARTITIONS = "headwater.partitions"
SECONDS_PER_DAY = 86_400.0


class StreamReport(msgspec.Struct, frozen=True):
    """How full a stream is. Times are RFC 3339; sizes in bytes."""

    name: str
    messages: int
    bytes: int
    first_seq: int
    last_seq: int
    first_ts: str
    last_ts: str
    consumer_count: int


def configurations(settings: LogSettings) -> list[StreamConfig]:
    """The wanted configuration of every stream."""
    return [
        StreamConfig(
            name=MAIN,
            subjects=SUBJECTS[MAIN],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            num_replicas=settings.replicas,
            max_age=settings.retention_days * SECONDS_PER_DAY,
            max_bytes=settings.retention_bytes,
            duplicate_window=settings.dedup_window_seconds,
            allow_atomic=True,
            allow_direct=True,
            metadata={_PARTITIONS: str(settings.partitions)},
        ),
        StreamConfig(
            name=REPLAYS,
            subjects=SUBJECTS[REPLAYS],
            storage=StorageType.FILE,
            retention=RetentionPolicy.WORK_QUEUE,
            discard=DiscardPolicy.NEW,
            num_replicas=settings.replicas,
            max_bytes=settings.retention_bytes,
            allow_atomic=True,
            allow_direct=True,
        ),
        StreamConfig(
            name=REFUSED,
            subjects=SUBJECTS[REFUSED],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            num_replicas=settings.replicas,
            max_bytes=settings.refused_bytes,
            max_age=settings.retention_days * SECONDS_PER_DAY,
            allow_direct=True,
        ),
        StreamConfig(
            name=ATTEMPTS,
            subjects=SUBJECTS[ATTEMPTS],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            num_replicas=settings.replicas,
            max_bytes=settings.attempts_bytes,
            max_age=settings.retention_days * SECONDS_PER_DAY,
            allow_atomic=True,
            allow_direct=True,
        ),
    ]


async def ensure(client: Client, settings: LogSettings) -> None:
    """Create the streams, or change them to the settings. Safe to call from many processes at once.

    Raises ConfigurationError when the number of partitions differs from that of the records already there: the order
    of a user's events would break; and when NATS cannot keep a stream as the settings want it.
    """
    manager = client.jsm()
    for wanted in configurations(settings):
        assert wanted.name is not None  # noqa: S101  # set three lines above
        try:
            info = await manager.stream_info(wanted.name)
        except NotFoundError:
            with _refusals(wanted.name):
                await manager.add_stream(wanted)
            continue
        existing = (info.config.metadata or {}).get(_PARTITIONS, str(settings.partitions))
        if wanted.name == MAIN and existing != str(settings.partitions):
            raise ConfigurationError(
                f"the log was made with {existing} partitions and cannot change; set log.partitions = {existing}",
                "log.partitions",
            )
        if _differs(info.config, wanted):
            with _refusals(wanted.name):
                await manager.update_stream(wanted)


@contextmanager
def _refusals(stream: str) -> Iterator[None]:
    """What NATS says of settings that it cannot serve, such as three replicas on a single server."""
    try:
        yield
    except (BadRequestError, ServerError) as fault:
        raise ConfigurationError(
            f"NATS does not keep the stream {stream} as it is wanted: {fault.description}; correct the settings of [log]",
            "log",
        ) from None


def _differs(existing: StreamConfig, wanted: StreamConfig) -> bool:
    names = ("subjects", "num_replicas", "max_bytes", "max_age", "duplicate_window", "allow_atomic")
    unset = {None: 0, -1: 0, False: 0}

    def shown(config: StreamConfig, name: str) -> object:
        value = getattr(config, name)
        return value if isinstance(value, list) else unset.get(value, value)

    return any(
        shown(existing, name) != shown(wanted, name)
        for name in names
        if not (name == "duplicate_window" and not wanted.duplicate_window)
    )


async def report(client: Client) -> list[StreamReport]:
    """The state of every stream of ours that exists."""
    reports = []
    for name in SUBJECTS:
        reply = await client.request(f"$JS.API.STREAM.INFO.{name}", timeout=5)
        info = msgspec.json.decode(reply.data, type=_StreamInfo)
        if info.state is not None:
            reports.append(StreamReport(name, **msgspec.structs.asdict(info.state)))
    return reports


class _State(msgspec.Struct, frozen=True):
    messages: int
    bytes: int
    first_seq: int
    last_seq: int
    first_ts: str
    last_ts: str
    consumer_count: int


class _StreamInfo(msgspec.Struct, frozen=True):
    """The part that we read of the reply of JetStream's STREAM.INFO; `state` is absent in an error reply."""

    state: _State | None = None
