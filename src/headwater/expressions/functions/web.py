"""Functions on URLs, mail addresses and IP addresses. A list stands for its first element unless said otherwise."""

from __future__ import annotations

import functools
import ipaddress
import math
import re
from collections.abc import Mapping
from types import MappingProxyType

import re2

from headwater.expressions.context import Context
from headwater.expressions.functions.addresses import (
    Mailbox,
    Url,
    parse_mailbox,
    parse_url,
    query_values,
    registrable_domain,
    unescape,
    with_scheme,
    with_scheme_if_host,
    write_query,
)
from headwater.expressions.functions.registry import Example, Function, function, literal_text
from headwater.expressions.tree import Node
from headwater.expressions.values import NOTHING, Value, one_text, to_number

_SEARCH = "https://www.Example.com/Search?q=Jazz&page=2"


def _address_text(value: Value) -> str:
    """The text to take apart; "" for a number, a map and whatever else is no text."""
    if type(value) is str:
        return value
    text = one_text(value) if isinstance(value, str | list | tuple) else None
    return text or ""


def _texts(values: tuple[Value, ...]) -> list[str]:
    flat: list[Value] = []
    for value in values:
        flat.extend(value if isinstance(value, list | tuple) else [value])
    return [text for text in flat if isinstance(text, str) and text]


def _mailbox(value: Value) -> Mailbox | None:
    return parse_mailbox(_address_text(value))


@function(
    "email",
    "string",
    Example('email("Ada <Ada@Example.com>")', "ada@example.com"),
    Example('email("Ada <ada>")', NOTHING),
)
def email(_context: Context, x: Value) -> Value:
    """The address of a single mailbox (RFC 5322), in lower case."""
    mailbox = _mailbox(x)
    return NOTHING if mailbox is None else mailbox.address.lower()


@function("emailname", "string", Example('emailname("Ada <ada@example.com>")', "Ada"))
def emailname(_context: Context, x: Value) -> Value:
    """The name before a mail address."""
    mailbox = _mailbox(x)
    return NOTHING if mailbox is None else mailbox.name


@function("emaildomain", "string", Example('emaildomain("Ada <ada@Example.com>")', "example.com"))
def emaildomain(_context: Context, x: Value) -> Value:
    """What follows the @ of a mail address, in lower case."""
    mailbox = _mailbox(x)
    return NOTHING if mailbox is None else mailbox.address.lower().rpartition("@")[2]


def _host(text: str) -> str | None:
    if text.startswith(("https://", "http://")) and text.isascii():
        whole = _url(text)  # the same as that of the text in lower case, and often known
        return (whole.host.lower() or None) if whole else None
    url = parse_url(with_scheme(text.lower())) if text else None
    return url.host or None if url else None


def _domain(text: str) -> str | None:
    host = _host(text)
    return registrable_domain(host) if host else None


@function("domain", "string", Example(f'domain("{_SEARCH}")', "example.com"), Example('domain("books.example.co.uk")', "example.co.uk"),
          Example('domain("http://127.0.0.1/")', NOTHING))  # fmt: skip
def domain(_context: Context, u: Value) -> Value:
    """The registrable domain of a URL by the Public Suffix List, private suffixes included, in lower case.

    `http://` is assumed. IP addresses and names without a dot have none; a port is dropped.
    """
    return _domain(_address_text(u)) or NOTHING


@function(
    "domains",
    "[]string",
    Example('domains("a.example.com", "b.example.org")', ["example.com", "example.org"]),
    at_least=1,
)
def domains(_context: Context, *u: Value) -> Value:
    """The registrable domains of all URLs given; lists are spread."""
    return [found for found in map(_domain, _texts(u)) if found] or NOTHING


@function("host", "string", Example(f'host("{_SEARCH}")', "www.example.com"))
def host(_context: Context, u: Value) -> Value:
    """The host of a URL in lower case, with its port. `http://` is assumed."""
    return _host(_address_text(u)) or NOTHING


@function(
    "hosts",
    "[]string",
    Example('hosts("a.example.com/x", "B.example.com")', ["a.example.com", "b.example.com"]),
    at_least=1,
)
def hosts(_context: Context, *u: Value) -> Value:
    """The hosts of all URLs given; lists are spread."""
    return [found for found in map(_host, _texts(u)) if found] or NOTHING


@functools.lru_cache(maxsize=64)  # an event asks several times for parts of its one page
def _url(text: str) -> Url | None:
    return parse_url(with_scheme_if_host(text)) if text else None


@functools.lru_cache(maxsize=64)
def _parameters(text: str) -> Mapping[str, str]:
    """The first value of each query parameter of a URL."""
    url = _url(text)
    values = {} if url is None else query_values(url.query)
    return MappingProxyType({name: texts[0] for name, texts in values.items()})


@function("path", "string", Example(f'path("{_SEARCH}")', "/search"))
def path(_context: Context, u: Value) -> Value:
    """The path of a URL in lower case, with its leading slash."""
    url = _url(_address_text(u).lower())
    return NOTHING if url is None else url.path


def _parameter(text: str, name: Value) -> Value:
    wanted = one_text(name)
    return (_parameters(text).get(wanted) if wanted else None) or NOTHING


@function("qs", "string", Example(f'qs("{_SEARCH}", "q")', "jazz"), aliases=("qsl",))
def qs(_context: Context, u: Value, p: Value) -> Value:
    """A query parameter of a URL. The URL is made lower case first, so the name must be lower case. Empty: no value."""
    return _parameter(_address_text(u).lower(), p)


@function("qs2", "string", Example(f'qs2("{_SEARCH}", "q")', "Jazz"))
def qs2(_context: Context, u: Value, p: Value) -> Value:
    """A query parameter of a URL, letter case kept. Empty: no value."""
    return _parameter(_address_text(u), p)


@function("urlmain", "string", Example(f'urlmain("{_SEARCH}")', "www.Example.com/Search"))
def urlmain(_context: Context, u: Value) -> Value:
    """Host and path of a URL."""
    text = _address_text(u)
    url = parse_url(text) if text else None
    return NOTHING if url is None else url.host + url.path


def _with_query(address: str, values: dict[str, list[str]]) -> str:
    query = write_query(values)
    return f"{address}?{query}" if query else address


@function("urlminusqs", "string", Example(f'urlminusqs("{_SEARCH}", "q")', "https://www.Example.com/Search?page=2"))
def urlminusqs(_context: Context, u: Value, p: Value) -> Value:
    """The URL without one query parameter; the others are sorted by name."""
    url, name = _url(_address_text(u)), one_text(p)
    if url is None or not name:
        return NOTHING
    values = query_values(url.query)
    address = f"{url.scheme}://{url.host}{url.path}"
    if name not in values:
        return f"{address}?{url.query}" if url.query else address
    return _with_query(address, {key: value for key, value in values.items() if key != name})


_QUIET = re2.Options()
_QUIET.log_errors = False  # what is wrong with a pattern is said in our error, not on standard error


@functools.lru_cache(maxsize=1024)
def _parameter_pattern(pattern: str) -> re2._Regexp:
    return re2.compile(pattern, _QUIET)


def _check_patterns(args: tuple[Node, ...]) -> str | None:
    for arg in args[1:]:
        pattern = literal_text(arg)
        if not pattern:
            return 'each parameter pattern must be written as a text, like "utm_.*"'
        try:
            _parameter_pattern(pattern)
        except re2.error as fault:
            return f'"{pattern}" is no regular expression: {fault}'
    return None


@function("url.matchqs", "string", Example(f'url.matchqs("{_SEARCH}", "^p")', "www.Example.com/Search?page=2"),
          check=_check_patterns)  # fmt: skip
def matchqs(_context: Context, u: Value, *re: Value) -> Value:
    """Host and path of a URL with only those query parameters whose name matches a regular expression (RE2)."""
    text = _address_text(u)
    url = parse_url(text) if text else None
    if url is None:
        return NOTHING
    patterns = [_parameter_pattern(pattern) for pattern in re]
    values = query_values(url.query)
    kept = {name: value for name, value in values.items() if any(pattern.search(name) for pattern in patterns)}
    return _with_query(url.host + url.path, kept)


@function("urldecode", "string", Example('urldecode("a%20b+c")', "a b c"), Example('urldecode("%zz")', NOTHING))
def urldecode(_context: Context, s: Value) -> Value:
    """The text without its query escapes; `+` is a blank. A broken escape gives no value."""
    text = _address_text(s)
    return (unescape(text) or NOTHING) if text else NOTHING


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")


@function("url", "string", Example('url("https://example.com/x")', "example.com/x"))
def url_(_context: Context, x: Value) -> Value:
    """The URL without its scheme."""
    text = _address_text(x)
    scheme = _SCHEME.match(text)
    return text[scheme.end() if scheme else 0 :] or NOTHING


@function(
    "ipfilter",
    "bool",
    Example('ipfilter("192.168.1.9", "192.168.1.0/24")', True),
    Example('ipfilter("x", "::/0")', NOTHING),
)
def ipfilter(_context: Context, ip: Value, cidr: Value) -> Value:
    """Whether an IP address, version 4 or 6, lies in a network."""
    try:
        return ipaddress.ip_address(one_text(ip) or "") in ipaddress.ip_network(one_text(cidr) or "", strict=False)
    except ValueError:
        return NOTHING


_EARTH_RADIUS_KM = 6371.0


def _coordinates(value: Value) -> tuple[float, float] | None:
    """Latitude and longitude in radians, from "lat,lon" or a map with lat and lon."""
    if isinstance(value, dict):
        parts = [value.get("lat"), value.get("lon")]
    else:
        parts = list((one_text(value) or "").split(","))
    numbers = [to_number(part) for part in parts]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        return None
    return math.radians(numbers[0]), math.radians(numbers[1])


@function("geodistance", "bool", Example('geodistance(home, "45.52,-122.68", 10)', True, {"home": "45.50,-122.60"}))
def geodistance(_context: Context, f: Value, center: Value, km: Value) -> Value:
    """Whether a place, "latitude,longitude", lies within so many kilometres of another (great-circle distance)."""
    here, there, radius = _coordinates(f), _coordinates(center), to_number(km)
    if here is None or there is None or radius is None:
        return NOTHING
    north, east = (there[0] - here[0]) / 2, (there[1] - here[1]) / 2
    chord = math.sin(north) ** 2 + math.cos(here[0]) * math.cos(there[0]) * math.sin(east) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(chord)) <= radius


FUNCTIONS: tuple[Function, ...] = (
    email,
    emailname,
    emaildomain,
    domain,
    domains,
    host,
    hosts,
    path,
    qs,
    qs2,
    urlmain,
    urlminusqs,
    matchqs,
    urldecode,
    url_,
    ipfilter,
    geodistance,
)
