"""Make a destination from a revision: which kind it is decides who serves it."""

from __future__ import annotations

import msgspec

from headwater.errors import ConfigurationError
from headwater.integrations.delivery import Delivery
from headwater.pipelines import kits
from headwater.pipelines.objects import THIS_INSTALL, DeliverySettings, PlainValue
from headwater.pipelines.secrets import SecretResolver, is_sensitive
from headwater.pipelines.snapshot import AttachedRevision
from headwater.playbooks import compile_kit
from headwater.routing.destination import Destination, Pace
from headwater.routing.http_destination import HttpDestination, HttpSettings
from headwater.routing.masking import Mask
from headwater.routing.outbound import Outbound
from headwater.routing.permitted_destination import PermittedDestination
from headwater.routing.stdout_destination import StdoutDestination
from headwater.routing.tokens import BearerTokens
from headwater.settings import Settings

SECONDS_PER_HOUR = 3600.0


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
        return PermittedDestination(self._serving(attached), names, content.delivery.consent_categories)

    def _serving(self, attached: AttachedRevision) -> Destination:
        revision = attached.revision
        content = revision.content
        texts = self._resolver.texts(content.parameters, revision.integration_id)
        kit = kits.kit_of(content)
        delivery = effective_delivery(kits.delivery_of(content), content.delivery)
        integration = compile_kit(kit, texts, batch_size=delivery.batch_size)
        pace = self._pace(delivery)
        kind = integration.connection.kind
        if kind == "stdout":
            return StdoutDestination(revision.number, integration, pace, attached.attachment.integration)
        if kind != "http":
            raise ConfigurationError(f"connections of the kind {kind} cannot be served yet", f"kit {content.kit}")
        declared = kits.declared_secrets(content.texts, content.overrides)
        secrets = [
            text
            for name, text in texts.items()
            if is_sensitive(name, name in declared) or not isinstance(content.parameters[name], PlainValue)
        ]
        timeout = delivery.timeout_seconds
        settings = HttpSettings(
            base_url=self._base_url(content.delivery.base_url),
            timeout_seconds=self._settings.route.request_timeout_seconds if timeout is None else timeout,
            reply=delivery.reply,
        )
        return HttpDestination(
            revision.number, integration, pace, settings, self._outbound, self._tokens, Mask(secrets)
        )

    def _pace(self, delivery: Delivery) -> Pace:
        retry_hours = self._settings.route.retry_hours if delivery.retry_hours is None else delivery.retry_hours
        return Pace(
            batch_wait_seconds=delivery.batch_wait_milliseconds / 1000,
            concurrency=delivery.concurrency,
            order_per_user=delivery.order_per_user,
            retry_seconds=retry_hours * SECONDS_PER_HOUR,
        )

    def _base_url(self, configured: str) -> str:
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
