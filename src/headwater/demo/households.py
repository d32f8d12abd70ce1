"""Everything about a household that is not an order: who it is, campaigns that reach it, coupons that it uses."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from headwater.collect.timestamps import format_time

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "headwater demo household")
_HOUSEHOLDS = 4096


class Campaign(NamedTuple):
    """A campaign; `start` and `end` are milliseconds since 1970."""

    campaign_id: int
    campaign_type: str
    start: int
    end: int


class Redemption(NamedTuple):
    """A coupon used on a day (its midnight in UTC, as milliseconds since 1970)."""

    household_id: int
    coupon_upc: int
    campaign_id: int
    day: int


def event_of(household_id: int, moment: int, name: str, **content: Any) -> dict[str, Any]:
    """An event with the ids of its household and a message id that every replay repeats.

    It has no `sentAt`: with one, the server would move the event by the difference between the clocks, and the moments
    of the data are meant as they are.
    """
    return {
        **content,
        "messageId": f"completejourney-{name}",
        "userId": f"household-{household_id}",
        "anonymousId": anonymous_id(household_id),
        "timestamp": format_time(moment),
    }


@lru_cache(maxsize=_HOUSEHOLDS)
def anonymous_id(household_id: int) -> str:
    """The device id of a household: a UUID as SDKs make it, the same in every replay."""
    return str(uuid.uuid5(_NAMESPACE, str(household_id)))


def identify(household_id: int, moment: int, demographics: Mapping[str, str]) -> dict[str, Any]:
    """What a survey knows of a household. Ranges stay texts ("35-44"), as they are in the data."""
    return event_of(household_id, moment, f"household-{household_id}", type="identify", traits=dict(demographics))


def campaign_contacted(household_id: int, campaign: Campaign) -> dict[str, Any]:
    """A campaign reached a household, on the day when the campaign began."""
    properties = {
        "campaign_id": str(campaign.campaign_id),
        "campaign_type": campaign.campaign_type,
        "start_date": _date(campaign.start),
        "end_date": _date(campaign.end),
    }
    return event_of(
        household_id,
        campaign.start,
        f"campaign-{campaign.campaign_id}-{household_id}",
        type="track",
        event="Campaign Contacted",
        properties=properties,
    )


def coupon_applied(redemption: Redemption) -> dict[str, Any]:
    """A household used a coupon. The data has the day of it, and neither the order nor the amount."""
    household_id, upc, campaign_id, day = redemption
    return event_of(
        household_id,
        day,
        f"coupon-{household_id}-{campaign_id}-{upc}-{_date(day)}",
        type="track",
        event="Coupon Applied",
        properties={"coupon_id": str(upc), "campaign_id": str(campaign_id)},
    )


def _date(moment: int) -> str:
    return format_time(moment)[:10]
