"""URLs and mail addresses taken apart: what the functions of the web are built on."""

from __future__ import annotations

import functools
import ipaddress
import re
import urllib.parse
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # reading the list is left to the first call
    from publicsuffixlist import PublicSuffixList

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s\[\]<>\"\\^`{}|%:/?#@]*)(?::\d*)?")
_PLAIN_URL = re.compile(
    r"(https?)://([A-Za-z0-9.\-]+(?::[0-9]*)?)(/[^?#%\x00-\x1f\x7f]*)?(?:\?([^#\x00-\x1f\x7f]*))?(?:#[^\x00-\x1f\x7f]*)?"
)
"""What almost every address of a page is: nothing in it needs a closer look."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")


class Url(NamedTuple):
    """The parts of a URL. `host` keeps its port, `path` is unescaped, `query` is as written."""

    scheme: str
    host: str
    path: str
    query: str


def parse_url(text: str) -> Url | None:
    """Take a URL apart; None if a character, an escape or the host is not allowed (RFC 3986)."""
    if plain := _PLAIN_URL.fullmatch(text):
        scheme, host, path, query = plain.groups("")
        return Url(scheme, host, path, query)
    if _CONTROL.search(text):
        return None
    scheme_found = _SCHEME.match(text)
    scheme = scheme_found[1].lower() if scheme_found else ""
    rest = text[scheme_found.end() :] if scheme_found else text
    rest = rest.partition("#")[0]
    rest, _, query = rest.partition("?")
    host, path = "", rest
    if rest.startswith("//"):
        host, slash, tail = rest[2:].partition("/")
        host, path = host.rpartition("@")[2], slash + tail
    if not _HOST.fullmatch(host) or _BAD_ESCAPE.search(path):
        return None
    return Url(scheme, host, urllib.parse.unquote(path), query)


def with_scheme(text: str) -> str:
    """The text as a URL: `http://` is put before one that has no scheme."""
    return text if text.lower().startswith("http") else "http://" + text


def with_scheme_if_host(text: str) -> str:
    """Like `with_scheme`, but a text with a `/` in its first five characters, or a very short one, is a bare path."""
    return with_scheme(text) if len(text) > 6 and "/" not in text[:5] else text


def query_values(query: str) -> dict[str, list[str]]:
    """The parameters of a query by name. A pair with a bad escape or a semicolon is left out."""
    found: dict[str, list[str]] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if not pair or ";" in pair:
            continue
        if "%" not in pair and "+" not in pair:
            found.setdefault(name, []).append(value)
        elif not _BAD_ESCAPE.search(pair):
            found.setdefault(urllib.parse.unquote_plus(name), []).append(urllib.parse.unquote_plus(value))
    return found


def write_query(values: dict[str, list[str]]) -> str:
    """The query of these parameters, sorted by name."""
    return urllib.parse.urlencode([(name, value) for name in sorted(values) for value in values[name]])


def unescape(text: str) -> str | None:
    """A query text without its escapes, `+` as a blank; None if an escape is broken."""
    return None if _BAD_ESCAPE.search(text) else urllib.parse.unquote_plus(text)


@functools.cache
def _suffixes() -> PublicSuffixList:
    # Reading the list takes 20 ms: only a process that asks for a domain pays for it.
    import publicsuffixlist

    return publicsuffixlist.PublicSuffixList()


def registrable_domain(host: str) -> str | None:
    """The part of a host that can be registered, by the Public Suffix List; None for IP addresses and bare names."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.removesuffix(":").removesuffix(".")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        found = _suffixes().privatesuffix(name) if "." in name and ".." not in name else None
        return str(found) if found else None
    return None


class Mailbox(NamedTuple):
    """A mail address and the name before it."""

    name: str
    address: str


_ATOM = r"[^\s()<>\[\]:;@\\,.\"]+"
_LOCAL = rf"(?:{_ATOM}(?:\.{_ATOM})*|\"(?:[^\"\\]|\\.)*\")"
_ADDRESS = re.compile(rf"{_LOCAL}@(?:{_ATOM}(?:\.{_ATOM})*|\[[^\[\]\s]*\])")
_NAMED = re.compile(r"(?P<name>(?:\"(?:[^\"\\]|\\.)*\"|[^\"<>,;:@\[\]\\()])*)<(?P<address>[^<>]*)>")
_COMMENT = re.compile(r"\([^()]*\)$")


def parse_mailbox(text: str) -> Mailbox | None:
    """A single mail address with or without a name (RFC 5322); None for anything else, two addresses included."""
    bare = text.strip()
    if named := _NAMED.fullmatch(bare):
        name, address = named["name"].strip(), named["address"].strip()
    else:
        name, address = "", _COMMENT.sub("", bare).strip()
    if not _ADDRESS.fullmatch(address):
        return None
    if name.startswith('"') and name.endswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Mailbox(name, address)
