"""An HTTP vendor as a destination: a compiled kit, the address it goes to, and its authentication."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

import msgspec

from headwater.errors import ConfigurationError, PermanentError, TransientError
from headwater.events import Record
from headwater.integrations.delivery import ReplyRule
from headwater.playbooks import CompiledIntegration, HttpRequest
from headwater.playbooks.authentication import Authentication, Fetched
from headwater.playbooks.oauth2 import bearer
from headwater.playbooks.outputs import SYSTEM_CLOCK
from headwater.routing.destination import Attempt, Fault, Outgoing, Pace, Prepared
from headwater.routing.exchanges import shown_exchange
from headwater.routing.masking import Mask
from headwater.routing.outbound import Outbound
from headwater.routing.outcomes import Outcome, Refused, Reply, Retry, judge
from headwater.routing.tokens import BearerTokens


class HttpSettings(msgspec.Struct, frozen=True):
    """What the revision decides beside the kit. `base_url` replaces scheme, host and port of every request if not ""."""

    base_url: str
    timeout_seconds: float
    reply: ReplyRule


class HttpDestination:
    """One revision of an integration with an HTTP connection."""

    def __init__(
        self,
        revision: int,
        integration: CompiledIntegration,
        pace: Pace,
        settings: HttpSettings,
        outbound: Outbound,
        tokens: BearerTokens,
        mask: Mask,
    ) -> None:
        self.revision = revision
        self.pace = pace
        self._integration = integration
        self._settings = settings
        self._outbound = outbound
        self._tokens = tokens
        self._mask = mask

    def prepare(self, record: Record) -> Prepared:
        """Run the playbook."""
        integration = self._integration
        prepared = integration.prepare(record.data, SYSTEM_CLOCK)
        return Prepared(
            outgoing=tuple(
                Outgoing(output.batch_key, integration.batch_size(output), output) for output in prepared.outputs
            ),
            dropped=None if prepared.drop is None else prepared.drop.reason,
            faults=tuple(Fault(flag.where, flag.message) for flag in prepared.flags),
        )

    async def send(self, pieces: Sequence[Outgoing]) -> Attempt:
        """Build the request, authenticate it, send it, judge the answer."""
        request: HttpRequest | None = None
        reply: Reply | None = None
        try:
            request = self._rebased(self._integration.request([piece.content for piece in pieces]))
            request, reply = await self._exchange(request, self._integration.authentication(pieces[0].content))
            outcome: Outcome = judge(reply, self._settings.reply, time.time())
        except TransientError as fault:
            outcome = Retry(str(fault), fault.retry_after)
        except (PermanentError, ConfigurationError) as fault:
            outcome = Refused(str(fault), split=len(pieces) > 1 and request is None)
        return Attempt(outcome, partial(shown_exchange, request, reply, self._mask))

    async def _exchange(self, request: HttpRequest, authentication: Authentication | None) -> tuple[HttpRequest, Reply]:
        timeout = self._settings.timeout_seconds
        if not isinstance(authentication, Fetched):
            return request, await self._outbound.send(request, timeout)
        token = await self._tokens.get(authentication)
        signed = bearer(request, token)
        reply = await self._outbound.send(signed, timeout)
        if reply.status == 401:  # revoked before its time: one try with a fresh one
            signed = bearer(request, await self._tokens.renewed(authentication, token))
            reply = await self._outbound.send(signed, timeout)
        return signed, reply

    def _rebased(self, request: HttpRequest) -> HttpRequest:
        if not self._settings.base_url:
            return request
        parts = urlsplit(request.url)
        rest = request.url[len(parts.scheme) + 3 + len(parts.netloc) :]
        return msgspec.structs.replace(request, url=self._settings.base_url.rstrip("/") + rest)
