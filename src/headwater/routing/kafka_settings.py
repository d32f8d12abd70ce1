"""A Kafka connection as a kit writes it, checked, and what librdkafka calls its parts. Pure: nothing is opened here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from headwater.errors import ConfigurationError
from headwater.playbooks.grammar import number_of

DEFAULT_PORT = 9092
DEFAULT_BATCH = 500
"""Messages that are sent and waited for together, when neither kit nor integration says how many."""
MESSAGE_LIMIT_BYTES = 1_000_000
"""Largest message, Kafka's own default: a broker takes no more unless it is told to."""
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
_SCRAM = {"SHA_256": "SCRAM-SHA-256", "1": "SCRAM-SHA-256", "SHA_512": "SCRAM-SHA-512", "2": "SCRAM-SHA-512"}


class Broker(msgspec.Struct, frozen=True):
    """Where a broker listens. `host` has no brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class KafkaSettings(msgspec.Struct, frozen=True):
    """`brokers` to begin with, the topic, messages in a batch, and encryption, login and codec in librdkafka's words."""

    brokers: tuple[Broker, ...]
    topic: str
    batch_size: int
    options: dict[str, str]


def kafka_settings(settings: Mapping[str, Any]) -> KafkaSettings:
    """Check a connection's settings. Raises ConfigurationError that names the key."""
    written = settings["brokers"]
    rows = written.split(",") if isinstance(written, str) else [str(row) for row in written]
    brokers = tuple(_broker(row.strip()) for row in rows if row.strip())
    if not brokers:
        raise ConfigurationError("names no broker; write host:port", "kafka.brokers")
    topic = str(settings["topic"])
    if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        raise ConfigurationError(f"{topic!r} is no name of a topic: letters, digits, '.', '_', '-'", "kafka.topic")
    codec = str(settings.get("compression", "none")).lower()
    if codec not in _CODECS:
        raise ConfigurationError(f"must be one of {', '.join(_CODECS)}; got {codec!r}", "kafka.compression")
    batch_size = int(number_of(settings.get("batchSize")) or DEFAULT_BATCH)  # at least 1, says the shape
    return KafkaSettings(brokers, topic, batch_size, {"compression.type": codec, **_security(settings)})


def _broker(text: str) -> Broker:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or text != parts.netloc or "@" in text:
        raise ConfigurationError(f"{text!r} is no broker; write host:port", "kafka.brokers")
    return Broker(host, DEFAULT_PORT if port is None else port)


def _security(settings: Mapping[str, Any]) -> dict[str, str]:
    plain, scram = settings.get("saslPlain"), settings.get("saslScram")
    if plain and scram:
        raise ConfigurationError("saslPlain and saslScram are both set; remove one", "kafka")
    encrypted = str(settings.get("tls", False)).lower() == "true"
    login = plain or scram
    if not login:
        return {"security.protocol": "SSL" if encrypted else "PLAINTEXT"}
    return {
        "security.protocol": "SASL_SSL" if encrypted else "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN" if plain else _mechanism(login),
        "sasl.username": _credential(login, "username"),
        "sasl.password": _credential(login, "password"),
    }


def _mechanism(scram: Mapping[str, Any]) -> str:
    algorithm = str(scram.get("algorithm", ""))
    if algorithm not in _SCRAM:
        raise ConfigurationError(f"must be SHA_256 or SHA_512; got {algorithm!r}", "kafka.saslScram.algorithm")
    return _SCRAM[algorithm]


def _credential(login: Mapping[str, Any], name: str) -> str:
    value = login.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigurationError("has no value; set its parameter", f"kafka.sasl.{name}")
    return value
