"""Functions on the User-Agent header.

The product tokens and the first comment (RFC 9110, section 10.1.5) are read here, because scripts compare them as they
stand ("X11", "Linux x86_64", "537.11"); who the browser is and whether it is a robot is known by ua-parser.
"""

from __future__ import annotations

import functools
import re

from headwater.expressions.context import Context
from headwater.expressions.functions.registry import Example, Function, function
from headwater.expressions.values import NOTHING, Value, one_text

_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"

_AGENT_LIMIT = 2_048
"""Longest User-Agent that is looked at, in characters; the rest of a longer one is noise."""
_PRODUCT = re.compile(r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9]*+)/([0-9][^\s;)]*+)")
_COMMENT = re.compile(r"\(([^()]*)\)")
_SYSTEM = re.compile(r"Linux|Mac OS|Windows|Android|CrOS|OS X|BSD|SunOS")
_WINDOWS = {"10.0": "10", "6.3": "8.1", "6.2": "8", "6.1": "7", "6.0": "Vista", "5.2": "XP", "5.1": "XP", "5.0": "2000"}
_ENGINES = ("AppleWebKit", "Trident", "Presto", "Gecko", "KHTML")
_REVISION = re.compile(r"rv:([0-9.]+)")
_MOBILE = re.compile(r"Mobi|iPhone|iPod|Opera Mini|IEMobile|BlackBerry")
_BROWSERS = {
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Edge Mobile": "Edge",
    "Opera Mobile": "Opera",
}
"""ua-parser tells the desktop edition of a browser from the others; whether it is mobile is a feature of its own here."""


@functools.lru_cache(maxsize=4096)
def features(agent: str) -> dict[str, str]:
    """The nine features of a User-Agent; unknown ones are empty."""
    # Loading the browser rules takes 0.25 s and 20 MB: only a process that asks for a browser pays for it.
    import ua_parser

    known = ua_parser.parse(agent)
    comment = _COMMENT.search(agent)
    remarks = [part.strip() for part in comment[1].split(";")] if comment else []
    products = dict(_PRODUCT.findall(agent))
    browser, version = "", ""
    if known.user_agent is not None:
        found = known.user_agent
        browser = _BROWSERS.get(found.family, found.family)
        version = ".".join(part for part in (found.major, found.minor, found.patch, found.patch_minor) if part)
    engine = next((name for name in _ENGINES if name in products), "")
    revision = _REVISION.search(comment[1]) if comment and engine == "Gecko" else None
    return {
        "bot": "true" if known.device is not None and known.device.family == "Spider" else "false",
        "mobile": "true" if _MOBILE.search(agent) else "false",
        "mozilla": products.get("Mozilla", ""),
        "platform": _platform(remarks),
        "os": _system(remarks),
        "engine": engine,
        "engine_version": revision[1] if revision else products.get(engine, ""),
        "browser": browser,
        "browser_version": version,
    }


def _platform(remarks: list[str]) -> str:
    first = next((remark for remark in remarks if remark not in ("compatible", "")), "")
    if first.startswith(("MSIE", "Windows")):
        return "Windows"
    return first if _SYSTEM.search(" ".join(remarks)) else ""


def _system(remarks: list[str]) -> str:
    found = [remark for remark in remarks if _SYSTEM.search(remark)]
    system = next((remark for remark in found if remark.startswith("Android")), found[0] if found else "")
    if system.startswith("Windows NT "):
        number = system.removeprefix("Windows NT ")
        return f"Windows {_WINDOWS.get(number, number)}"
    return system


@function("useragent", "string", Example(f'useragent("{_AGENT}", "os")', "Linux x86_64"),
          Example(f'useragent("{_AGENT}", "browser")', "Chrome"))  # fmt: skip
def useragent(_context: Context, ua: Value, what: Value) -> Value:
    """A feature of a User-Agent: bot, mobile, mozilla, platform, os, engine, engine_version, browser or
    browser_version. bot and mobile are "true" or "false"."""
    agent, feature = (one_text(ua) or "")[:_AGENT_LIMIT], (one_text(what) or "").lower()
    return features(agent).get(feature, NOTHING) if agent and feature else NOTHING


@function("useragent.map", "map[string]string", Example(f'len(useragent.map("{_AGENT}"))', 9))
def useragent_map(_context: Context, ua: Value) -> Value:
    """All features of a User-Agent."""
    agent = (one_text(ua) or "")[:_AGENT_LIMIT]
    return dict(features(agent)) if agent else NOTHING


FUNCTIONS: tuple[Function, ...] = (useragent, useragent_map)
