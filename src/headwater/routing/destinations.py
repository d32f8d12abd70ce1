"""Make a destination from a revision: which kind it is decides who serves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from headwater.errors import ConfigurationError
from headwater.integrations.delivery import Delivery
from headwater.pipelines import kits
from headwater.pipelines.objects import THIS_INSTALL, DeliverySettings, PlainValue, RevisionContent
from headwater.pipelines.secrets import SecretResolver, is_sensitive
from headwater.pipelines.snapshot import AttachedRevision
from headwater.playbooks import CompiledIntegration, compile_kit
from headwater.routing import object_stores
from headwater.routing.destination import Destination, Pace
from headwater.routing.http_destination import HttpDestination, HttpSettings
from headwater.routing.kafka_destination import KafkaDestination
from headwater.routing.kafka_producer import kafka_library
from headwater.routing.kafka_settings import kafka_settings
from headwater.routing.masking import Mask
from headwater.routing.object_formats import format_of
from headwater.routing.object_names import clean_prefix
from headwater.routing.object_store_destination import (
    LARGEST_BATCH,
    STORE_DELIVERY,
    ObjectSettings,
    ObjectStoreDestination,
)
from headwater.routing.outbound import Outbound
from headwater.routing.permitted_destination import PermittedDestination
from headwater.routing.stdout_destination import StdoutDestination
from headwater.routing.tokens import BearerTokens
from headwater.settings import Settings

SECONDS_PER_HOUR = 3600.0


class Work(NamedTuple):
    """What every kind of destination is made from. `delivery` is the kit's with the integration's changes."""

    attached: AttachedRevision
    integration: CompiledIntegration
    delivery: Delivery
    pace: Pace
    mask: Mask


class DestinationMaker:
    """Makes destinations for one process, which share its connections and tokens."""

    def __init__(self, settings: Settings, resolver: SecretResolver, outbound: Outbound) -> None:
        self._settings = settings
        self._resolver = resolver
        self._outbound = outbound
        self._tokens = BearerTokens(outbound)

    def make(self, attached: AttachedRevision) -> Destination:
        """Compile the revision. Raises ConfigurationError when a secret is missing or the kind is not served."""
        content = attached.revision.content
        names = [attached.attachment.integration, content.kit]
        friendly = kits.kit_from(content.kit, content.texts).metadata.value.get("friendlyName")
        if isinstance(friendly, str):
            names.append(friendly)
        categories, audiences = content.delivery.consent_categories, attached.attachment.audiences
        return PermittedDestination(self._serving(attached), names, categories, audiences)

    def _serving(self, attached: AttachedRevision) -> Destination:
        revision = attached.revision
        content = revision.content
        texts = self._resolver.texts(content.parameters, revision.integration_id)
        kit = kits.kit_of(content)
        delivery = effective_delivery(kits.delivery_of(content), content.delivery)
        integration = compile_kit(kit, texts, batch_size=delivery.batch_size)
        kind = integration.connection.kind
        work = Work(attached, integration, delivery, self._pace(delivery), self._mask(content, texts))
        if kind == "http":
            return self._http(work)
        if kind == "stdout":
            return StdoutDestination(revision.number, integration, work.pace, attached.attachment.integration)
        if kind == "kafka":
            return self._kafka(work)
        if kind in object_stores.KINDS:
            return self._object_store(work)
        raise ConfigurationError(f"connections of the kind {kind} cannot be served yet", f"kit {content.kit}")

    def _http(self, work: Work) -> HttpDestination:
        settings = HttpSettings(
            base_url=self._base_url(work),
            timeout_seconds=self._timeout(work.delivery),
            reply=work.delivery.reply,
        )
        return HttpDestination(
            work.attached.revision.number,
            work.integration,
            work.pace,
            settings,
            self._outbound,
            self._tokens,
            work.mask,
        )

    def _object_store(self, work: Work) -> ObjectStoreDestination:
        revision, connection = work.attached.revision, work.integration.connection
        delivery = work.delivery
        if not any(name.startswith("delivery.") for name in revision.content.texts):
            delivery = effective_delivery(STORE_DELIVERY, revision.content.delivery)
        batch_size = delivery.batch_size
        settings = ObjectSettings(
            integration=revision.integration_id,
            prefix=clean_prefix(connection.settings.get("prefix", "")),
            format=format_of(connection.settings),
            batch_size=LARGEST_BATCH if batch_size is None else batch_size,
            timeout_seconds=self._timeout(delivery),
        )
        bucket = object_stores.open_bucket(connection.kind, connection.settings, self._base_url(work))
        pace = self._pace(delivery)
        return ObjectStoreDestination(
            revision.number, work.integration, pace, settings, bucket, self._outbound, work.mask
        )

    def _kafka(self, work: Work) -> KafkaDestination:
        revision = work.attached.revision
        if revision.content.delivery.base_url:
            raise ConfigurationError("means nothing to Kafka; set the brokers instead", "delivery.base_url")
        kafka_library()
        checked = kafka_settings(work.integration.connection.settings)
        batch_size = work.delivery.batch_size
        return KafkaDestination(
            revision.number,
            work.integration,
            work.pace,
            checked,
            checked.batch_size if batch_size is None else batch_size,
            self._timeout(work.delivery),
            self._settings.route.allowed_hosts,
            work.mask,
        )

    def _mask(self, content: RevisionContent, texts: Mapping[str, str]) -> Mask:
        declared = kits.declared_secrets(content.texts, content.overrides)
        return Mask(
            text
            for name, text in texts.items()
            if is_sensitive(name, name in declared) or not isinstance(content.parameters[name], PlainValue)
        )

    def _timeout(self, delivery: Delivery) -> float:
        timeout = delivery.timeout_seconds
        return self._settings.route.request_timeout_seconds if timeout is None else timeout

    def _pace(self, delivery: Delivery) -> Pace:
        retry_hours = self._settings.route.retry_hours if delivery.retry_hours is None else delivery.retry_hours
        return Pace(
            batch_wait_seconds=delivery.batch_wait_milliseconds / 1000,
            concurrency=delivery.concurrency,
            order_per_user=delivery.order_per_user,
            retry_seconds=retry_hours * SECONDS_PER_HOUR,
        )

    def _base_url(self, work: Work) -> str:
        configured = work.attached.revision.content.delivery.base_url
        return this_install(self._settings) if configured == THIS_INSTALL else configured


def this_install(settings: Settings) -> str:
    """The URL under which this machine reaches its own collector."""
    host = settings.collect.host
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"http://[{host}]:{settings.collect.port}" if ":" in host else f"http://{host}:{settings.collect.port}"


def effective_delivery(kit: Delivery, changed: DeliverySettings) -> Delivery:
    """The kit's way of delivery with what the integration changes of it."""
    names = {field.name for field in msgspec.structs.fields(Delivery)}
    values = {
        name: value for name, value in msgspec.structs.asdict(changed).items() if name in names and value is not None
    }
    return msgspec.structs.replace(kit, **values)
