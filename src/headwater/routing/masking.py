"""Keep secrets out of what people see: dead letters, previews, errors."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASKED = "•••"
SHORTEST_SECRET = 4
"""A shorter value is not looked for in texts: it would blot out half of every page. Headers are masked by name."""
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "ttdsignature", "ttdsignature-dp"}
)


class Mask:
    """Blots out the secret values of one integration, also where they are percent-encoded or Base64."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {
            spelling for secret in secrets if len(secret) >= SHORTEST_SECRET for spelling in _spellings(secret)
        }
        self._spellings = sorted(spellings, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASKED)
        return text

    def header(self, name: str, value: str) -> str:
        """A header's value: nothing of it when the name alone says that it is secret."""
        if name.lower() in _SECRET_HEADERS:
            scheme, blank, _ = value.partition(" ")
            return f"{scheme} {MASKED}" if blank and scheme in {"Basic", "Bearer", "OAuth"} else MASKED
        return self.text(value)


def _spellings(secret: str) -> set[str]:
    json_form = secret.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return {secret, quote(secret, safe=""), quote_plus(secret), json_form, base64.b64encode(secret.encode()).decode()}
