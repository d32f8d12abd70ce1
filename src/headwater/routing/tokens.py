"""Access tokens: fetched when needed, shared by all requests of an integration, renewed before they end."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any

from headwater import jsontext
from headwater.errors import InputError, PermanentError, TransientError
from headwater.playbooks import DataCloud, Fetched, HttpRequest, exchange_request, token_of, token_request
from headwater.playbooks.oauth2 import RENEW_EARLY_SECONDS
from headwater.playbooks.outputs import SYSTEM_CLOCK
from headwater.routing.outbound import Outbound
from headwater.routing.outcomes import retry_after

TIMEOUT_SECONDS = 20.0


class BearerTokens:
    """Tokens by the authentication that they are fetched with. A slow token server delays only its own users."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._tokens: dict[Fetched, tuple[str, float]] = {}
        self._locks: defaultdict[Fetched, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, authentication: Fetched) -> str:
        """A token that is good for another minute at least.

        Raises TransientError when the token server does not answer, PermanentError when it refuses.
        """
        async with self._locks[authentication]:
            found = self._tokens.get(authentication)
            if found is not None and time.monotonic() < found[1]:
                return found[0]
            return await self._fetch(authentication)

    async def renewed(self, authentication: Fetched, rejected: str) -> str:
        """A token other than the rejected one; whoever asks first fetches it, the others take what he got."""
        async with self._locks[authentication]:
            found = self._tokens.get(authentication)
            if found is not None and found[0] != rejected:
                return found[0]
            return await self._fetch(authentication)

    async def _fetch(self, authentication: Fetched) -> str:
        login = authentication.login if isinstance(authentication, DataCloud) else authentication
        reply = await self._ask(token_request(login, SYSTEM_CLOCK))
        if isinstance(authentication, DataCloud):
            reply = await self._ask(exchange_request(reply, authentication))
        found = token_of(reply, login)
        if found is None:
            raise PermanentError(f"the token server's answer has no text under {login.token_key!r}")
        token, life = found
        self._tokens[authentication] = (token, time.monotonic() + max(life - RENEW_EARLY_SECONDS, life / 2))
        return token

    async def _ask(self, request: HttpRequest) -> Any:
        """The JSON of a token server's answer; None when it is not JSON."""
        reply = await self._outbound.send(request, TIMEOUT_SECONDS)
        if reply.status in (408, 425, 429) or reply.status >= 500:
            wait = retry_after(reply.headers.get("retry-after"), time.time())
            raise TransientError(f"the token server answers HTTP {reply.status}", wait)
        if not 200 <= reply.status < 300:
            raise PermanentError(f"the token server refuses with HTTP {reply.status}; check the credentials")
        try:
            return jsontext.decode(reply.body)
        except InputError:
            return None
