"""The degree alarm: a value seen with too many people in a short time identifies nobody.

The alarm looks only at the links of the value itself, so it can be told without its neighbours' neighbours: whoever gathers
a component may stop at such a value, and a till with ten thousand customers stays cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import ALARM_WINDOW, IdentityRules
from headwater.profiles.links import Link


def is_alarmed(identifier: Identifier, links: Sequence[Link], rules: IdentityRules) -> bool:
    """Whether `identifier` was seen with more unique identifiers within 30 days than its type allows, or is hot.

    `links` are the links of `identifier`, all of them and no others. More links never end an alarm.
    """
    if len(links) > rules.degree_limit:
        return True
    rule = rules.types[identifier.type]
    if rule.unique or not rule.alarm or len(links) <= rule.alarm:
        return False
    times = [(link.seen.first, link.seen.last) for link in links if _is_unique(link.other(identifier), rules)]
    return len(times) > rule.alarm and most_at_once(times, ALARM_WINDOW) > rule.alarm


def _is_unique(identifier: Identifier, rules: IdentityRules) -> bool:
    rule = rules.types.get(identifier.type)
    return rule is not None and rule.unique


def most_at_once(times: Iterable[tuple[int, int]], window: int) -> int:
    """The largest number of intervals (first, last) that touch one time window of the given length."""
    borders: list[tuple[int, int]] = []
    for first, last in times:
        # A window that ends at w touches [first, last] while first <= w <= last + window - 1.
        borders.append((first, 1))
        borders.append((last + window, -1))
    most = current = 0
    for _, step in sorted(borders):
        current += step
        most = max(most, current)
    return most
