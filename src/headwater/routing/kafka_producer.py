"""Send messages to Kafka and wait until the brokers have stored them. Everything here blocks: call it from a thread.

Made for one integration and shared by its batches. librdkafka works in threads of its own; what it reports is handed
out by `poll`, to whichever thread asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from headwater.errors import ConfigurationError
from headwater.routing.kafka_settings import MESSAGE_LIMIT_BYTES, Broker, KafkaSettings
from headwater.routing.outcomes import Delivered, Outcome, Refused, Retry

POLL_SECONDS = 0.05
REPORT_MARGIN_SECONDS = 2.0
"""How much later than its time limit a message may be reported as failed."""
SHORTEST_TIMEOUT_SECONDS = 1.0
"""A new connection needs some time, and 0 would mean for ever."""

_ABOUT_THE_MESSAGE = frozenset({"MSG_SIZE_TOO_LARGE", "INVALID_RECORD", "INVALID_MSG_SIZE"})
_FOR_GOOD = frozenset(
    {
        "UNKNOWN_TOPIC_OR_PART",
        "_UNKNOWN_TOPIC",
        "TOPIC_EXCEPTION",
        "TOPIC_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "POLICY_VIOLATION",
    }
)


class Message(NamedTuple):
    """What is sent: messages of equal keys go to one partition, in order."""

    key: bytes | None
    value: bytes


class Fault(NamedTuple):
    """Why a message was not stored: librdkafka's name of the error, and its text."""

    name: str
    text: str


def judge_faults(faults: Sequence[Fault]) -> Outcome:
    """What the faults of a batch mean. A passing one decides: what stays will show when the batch is sent again."""
    if not faults:
        return Delivered()
    for fault in faults:
        if fault.name not in _FOR_GOOD and fault.name not in _ABOUT_THE_MESSAGE:
            return Retry(fault.text)
    for fault in faults:
        if fault.name in _FOR_GOOD:
            return Refused(fault.text, split=False)
    return Refused(faults[0].text, split=True)


class _State:
    """What librdkafka said of itself. Apart from the producer, which could not be freed at once if it held itself."""

    def __init__(self) -> None:
        self.last_error = ""
        self.broken = False

    def note(self, error: Any) -> None:
        """Keep an error for the next report."""
        self.broken = self.broken or error.fatal()
        if error.name() != "_ALL_BROKERS_DOWN":  # says less than the errors before it
            self.last_error = error.str()


class KafkaProducer:
    """An idempotent producer of one topic: a retry inside librdkafka neither doubles nor reorders messages."""

    def __init__(self, settings: KafkaSettings, timeout_seconds: float) -> None:
        """Connects in the background. Raises ConfigurationError when the optional library is not installed."""
        kafka = kafka_library()
        self._topic = settings.topic
        self._timeout = max(timeout_seconds, SHORTEST_TIMEOUT_SECONDS)
        self._exception: type[Exception] = kafka.KafkaException
        self._state = _State()
        self._producer = kafka.Producer(
            {
                "bootstrap.servers": ",".join(map(str, settings.brokers)),
                "client.id": "headwater",
                "acks": "all",
                "enable.idempotence": True,
                "delivery.timeout.ms": int(self._timeout * 1000),
                "message.max.bytes": MESSAGE_LIMIT_BYTES,
                "partitioner": "murmur2_random",  # as Java clients choose, so that all put a user into one partition
                "log_level": 0,  # reasons are reported with the batch
                "error_cb": self._state.note,
                **settings.options,
            }
        )

    @property
    def broken(self) -> bool:
        """Whether nothing can be sent any more; another producer may be able to."""
        return self._state.broken

    def brokers(self) -> tuple[Broker, ...] | Retry:
        """The brokers that the cluster names: to these messages go. Retry when none answers."""
        try:
            found = self._producer.list_topics(self._topic, timeout=self._timeout)
        except self._exception as fault:
            self._producer.poll(0)  # hands out the errors that say why
            return Retry(self._explained(str(fault.args[0].str())))
        return tuple(Broker(broker.host, broker.port) for broker in found.brokers.values())

    def send(self, messages: Sequence[Message], abandoned: threading.Event) -> Outcome:
        """Send, and wait for what becomes of each message; no longer than the time limit, nor once `abandoned`."""
        faults: list[Fault] = []
        reported = threading.Semaphore(0)

        def report(error: Any, _message: Any) -> None:
            if error is not None:
                faults.append(self._fault(error))
            reported.release()

        try:
            for message in messages:
                self._producer.produce(self._topic, value=message.value, key=message.key, on_delivery=report)
        except BufferError:
            return Retry("too many messages wait for the brokers")
        except self._exception as fault:
            return judge_faults([self._fault(fault.args[0])])
        if not self._wait(reported, len(messages), abandoned):
            return Retry(self._explained(f"no answer within {self._timeout:g} s"))
        if not faults:
            self._state.last_error = ""
        return judge_faults(faults)

    def _wait(self, reported: threading.Semaphore, count: int, abandoned: threading.Event) -> bool:
        end = time.monotonic() + self._timeout + REPORT_MARGIN_SECONDS
        done = 0
        while not abandoned.is_set() and time.monotonic() < end:
            self._producer.poll(POLL_SECONDS)
            while done < count and reported.acquire(blocking=False):
                done += 1
            if done == count:
                return True
        return False

    def _fault(self, error: Any) -> Fault:
        self._state.broken = self._state.broken or error.fatal()
        return Fault(error.name(), self._explained(error.str()))

    def _explained(self, text: str) -> str:
        return f"{text} ({self._state.last_error})" if self._state.last_error else text


def kafka_library() -> Any:
    """The optional client library. Raises ConfigurationError when it is not installed."""
    try:
        import confluent_kafka  # an optional extra
    except ImportError:
        raise ConfigurationError(
            'Kafka needs a library that is not installed; run pip install "headwater[kafka]"', "kafka"
        ) from None
    return confluent_kafka
