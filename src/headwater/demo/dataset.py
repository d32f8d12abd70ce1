"""The data set "The Complete Journey" as events in the order of their times: a year of 2,469 households at a grocer.

| table              | event                                                                  |
|--------------------|------------------------------------------------------------------------|
| transactions       | `Order Completed`, one for each basket                                 |
| coupon_redemptions | `Coupon Applied`                                                       |
| campaigns          | `Campaign Contacted`                                                   |
| demographics       | `identify`, a second before anything else that a household does        |

The table of promotions is of stores and weeks, not of households, and is never read.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from headwater.demo import tables
from headwater.demo.households import Campaign, Redemption, campaign_contacted, coupon_applied, identify
from headwater.demo.orders import Basket, Line, order_completed

BEFORE_FIRST_MILLISECONDS = 1000

Event = dict[str, Any]
Timed = tuple[int, Event]


class Journey(NamedTuple):
    """What was chosen of the data set. `total` is the number of events that `events` gives."""

    folder: Path
    households: frozenset[int] | None
    first_moments: Mapping[int, int]
    traits: Mapping[int, Mapping[str, str]]
    contacts: list[tuple[int, Campaign]]
    redemptions: list[Redemption]
    total: int

    def events(self, limit: int | None = None) -> Iterator[Event]:
        """The events, oldest first, at most `limit`; they are made while they are taken."""
        merged = heapq.merge(self._identifies(), self._contacts(), self._coupons(), self._orders(), key=itemgetter(0))
        return islice((event for _, event in merged), limit)

    def _identifies(self) -> Iterator[Timed]:
        moments = sorted((self.first_moments[household], household) for household in self.traits)
        for first, household in moments:
            moment = first - BEFORE_FIRST_MILLISECONDS
            yield moment, identify(household, moment, self.traits[household])

    def _contacts(self) -> Iterator[Timed]:
        for household, campaign in self.contacts:
            yield campaign.start, campaign_contacted(household, campaign)

    def _coupons(self) -> Iterator[Timed]:
        for redemption in self.redemptions:
            yield redemption.day, coupon_applied(redemption)

    def _orders(self) -> Iterator[Timed]:
        products = tables.products(self.folder)
        for basket_id, rows in groupby(tables.transactions(self.folder, self.households), key=itemgetter(0)):
            lines = list(rows)
            _, household_id, store_id, moment = lines[0][:4]
            basket = Basket(basket_id, household_id, store_id, moment, [_line(row, products) for row in lines])
            yield moment, order_completed(basket)


def open_journey(households: int | None = None) -> Journey:
    """Choose the households with the lowest ids, all by default.

    Raises ConfigurationError when the data set is not installed.
    """
    folder = tables.installed_folder()
    visits = dict(islice(tables.visits(folder).items(), households))
    chosen = visits.keys()
    contacts = [(household, campaign) for household, campaign in tables.contacts(folder) if household in chosen]
    contacts.sort(key=lambda contact: (contact[1].start, contact[0]))
    redemptions = [redemption for redemption in tables.redemptions(folder) if redemption.household_id in chosen]
    redemptions.sort(key=lambda redemption: (redemption.day, redemption.household_id))
    traits = {household: known for household, known in tables.demographics(folder).items() if household in chosen}
    first_moments = {household: known.first_moment for household, known in visits.items()}
    for household, moment in [*((h, c.start) for h, c in contacts), *((r.household_id, r.day) for r in redemptions)]:
        first_moments[household] = min(first_moments[household], moment)
    baskets = sum(known.baskets for known in visits.values())
    return Journey(
        folder=folder,
        households=None if households is None else frozenset(chosen),
        first_moments=first_moments,
        traits=traits,
        contacts=contacts,
        redemptions=redemptions,
        total=baskets + len(contacts) + len(redemptions) + len(traits),
    )


def _line(row: tuple[int, ...], products: Mapping[int, Mapping[str, str]]) -> Line:
    product_id, quantity, sales_value, retail_disc, coupon_disc, coupon_match_disc = row[4:]
    product = products.get(product_id)
    if product is None:  # some lines name a product that the table of products lacks
        product = {"product_id": str(product_id)}
    return Line(product, quantity, sales_value, retail_disc, coupon_disc, coupon_match_disc)
