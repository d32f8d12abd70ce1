"""OAuth 2 access tokens: fetched when needed, shared by all requests of an integration, renewed before they end."""

from __future__ import annotations

import asyncio
import time

from headwater import jsontext
from headwater.errors import InputError, PermanentError, TransientError
from headwater.playbooks.authentication import RENEW_EARLY_SECONDS, OAuth2, token_of, token_request
from headwater.playbooks.outputs import SYSTEM_CLOCK
from headwater.routing.outbound import Outbound
from headwater.routing.outcomes import retry_after

TIMEOUT_SECONDS = 20.0


class BearerTokens:
    """Tokens by the authentication that they are fetched with."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._tokens: dict[OAuth2, tuple[str, float]] = {}
        self._lock = asyncio.Lock()

    async def get(self, authentication: OAuth2) -> str:
        """A token that is good for another minute at least.

        Raises TransientError when the token server does not answer, PermanentError when it refuses.
        """
        async with self._lock:
            found = self._tokens.get(authentication)
            if found is not None and time.monotonic() < found[1]:
                return found[0]
            return await self._fetch(authentication)

    async def renewed(self, authentication: OAuth2, rejected: str) -> str:
        """A token other than the rejected one; whoever asks first fetches it, the others take what he got."""
        async with self._lock:
            found = self._tokens.get(authentication)
            if found is not None and found[0] != rejected:
                return found[0]
            return await self._fetch(authentication)

    async def _fetch(self, authentication: OAuth2) -> str:
        reply = await self._outbound.send(token_request(authentication, SYSTEM_CLOCK), TIMEOUT_SECONDS)
        if reply.status in (408, 425, 429) or reply.status >= 500:
            wait = retry_after(reply.headers.get("retry-after"), time.time())
            raise TransientError(f"the token server answers HTTP {reply.status}", wait)
        if not 200 <= reply.status < 300:
            raise PermanentError(f"the token server refuses with HTTP {reply.status}; check the credentials")
        try:
            found = token_of(jsontext.decode(reply.body), authentication)
        except InputError:
            found = None
        if found is None:
            raise PermanentError(f"the token server's answer has no text under {authentication.token_key!r}")
        token, life = found
        self._tokens[authentication] = (token, time.monotonic() + max(life - RENEW_EARLY_SECONDS, life / 2))
        return token
