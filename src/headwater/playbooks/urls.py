"""URLs: escaping, queries, and making a URL legal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote_plus

from headwater.errors import ConfigurationError
from headwater.playbooks.grammar import PLACEHOLDER

Pairs = list[tuple[str, str]]


def query_escape(text: str) -> str:
    """Everything but letters, digits and `-_.~` percent-encoded, space as `+`."""
    return quote(text, safe=" ", errors="replace").replace(" ", "+")


def path_escape(text: str) -> str:
    """Like `query_escape`, but space is `%20` and `$&+=:@` stay."""
    return quote(text, safe="$&+=:@", errors="replace")


def path_query_escape(text: str) -> str:
    """`path_escape` fit for a query: `&` and `+` are encoded too."""
    return quote(text, safe="$=:@", errors="replace")


def split_query(url: str) -> tuple[str, Pairs]:
    """The URL without query and fragment, and the decoded parameters of its query."""
    url = url.partition("#")[0]
    base, _, query = url.partition("?")
    pairs = (part.partition("=") for part in query.split("&") if part)
    return base, [(unquote_plus(key), unquote_plus(value)) for key, _, value in pairs]


def with_query(url: str, parameters: dict[str, str], *, path_style: bool = False) -> str:
    """The URL with the parameters in its query, replacing those of the same name, all sorted by key.

    Without any parameter there is no `?`.
    """
    base, present = split_query(url)
    pairs = [pair for pair in present if pair[0] not in parameters]
    pairs.extend(parameters.items())
    text = encode_pairs(sorted(pairs, key=lambda pair: pair[0]), path_style=path_style)
    return f"{base}?{text}" if text else base


def encode_pairs(pairs: Iterable[tuple[str, str]], *, path_style: bool = False) -> str:
    """`key=value` joined by `&`, both escaped."""
    escape = path_query_escape if path_style else query_escape
    return "&".join(f"{escape(key)}={escape(value)}" for key, value in pairs)


_ILLEGAL = re.compile(r'[\x00-\x20"<>\\^`{|}\x7f]|[^\x00-\x7f]|%(?![0-9A-Fa-f]{2})')


def legal(url: str) -> str:
    """The URL without fragment and with every character that no URL may hold percent-encoded; all else stays."""
    return _ILLEGAL.sub(lambda match: quote(match[0], safe="", errors="replace"), url.partition("#")[0])


_AUTHORITY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*)")


def check_host(template: str, filled: str) -> None:
    """Refuse parameter values that lead a URL to another host than its template says.

    A template whose host is one whole placeholder, or that begins with one, may lead anywhere: the address itself is the
    parameter. Otherwise a value inside the host may only hold the characters of a host name.

    Raises ConfigurationError.
    """
    found = _AUTHORITY.match(template)
    if found is None or PLACEHOLDER.fullmatch(found[2]):
        return
    parts = PLACEHOLDER.split(found[2])
    pattern = "".join("[A-Za-z0-9._-]*" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    actual = _AUTHORITY.match(filled)
    if actual is None or actual[1] != found[1] or not re.fullmatch(pattern, actual[2]):
        raise ConfigurationError(
            f"a parameter value changes the host of {template}; it may only hold letters, digits, '.', '-' and '_'"
        )
