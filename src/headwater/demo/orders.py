"""A basket of the data set as an `Order Completed` event (Segment's e-commerce spec).

Money is counted in whole cents and written in dollars only at the end, so that sums are exact. The columns of a line:

| column            | meaning                                                          |
|-------------------|------------------------------------------------------------------|
| sales_value       | what the store receives, from the customer and the manufacturer  |
| retail_disc       | what the store takes off for its loyalty card                    |
| coupon_disc       | what a manufacturer's coupon pays in place of the customer       |
| coupon_match_disc | what the store adds to such a coupon on its own account          |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headwater.demo.households import event_of

CURRENCY = "USD"


class Line(NamedTuple):
    """One line of a basket; amounts in cents. `product` has the product's texts by their names in the spec."""

    product: Mapping[str, str]
    quantity: int
    sales_value: int
    retail_disc: int
    coupon_disc: int
    coupon_match_disc: int

    @property
    def shelf_value(self) -> int:
        """What the line would have cost without any discount."""
        return self.sales_value + self.retail_disc + self.coupon_match_disc

    @property
    def discount(self) -> int:
        """What the customer did not have to pay."""
        return self.retail_disc + self.coupon_disc + self.coupon_match_disc


class Basket(NamedTuple):
    """One visit to a till. `moment` is milliseconds since 1970."""

    basket_id: int
    household_id: int
    store_id: int
    moment: int
    lines: Sequence[Line]


def order_completed(basket: Basket) -> dict[str, Any]:
    """The event. `total` is what the customer paid, `revenue` what the store received; the data knows no tax."""
    lines = basket.lines
    revenue = sum(line.sales_value for line in lines)
    coupons = sum(line.coupon_disc for line in lines)
    properties = {
        "order_id": str(basket.basket_id),
        "affiliation": f"Store {basket.store_id}",
        "subtotal": dollars(revenue - coupons),
        "total": dollars(revenue - coupons),
        "revenue": dollars(revenue),
        "discount": dollars(sum(line.discount for line in lines)),
        "loyalty_discount": dollars(sum(line.retail_disc for line in lines)),
        "coupon_discount": dollars(coupons),
        "coupon_match_discount": dollars(sum(line.coupon_match_disc for line in lines)),
        "currency": CURRENCY,
        "products": [_product(line) for line in lines],
    }
    return event_of(
        basket.household_id,
        basket.moment,
        f"order-{basket.basket_id}",
        type="track",
        event="Order Completed",
        properties=properties,
    )


def dollars(cents: int) -> float:
    """The double nearest to the amount: its shortest form has the cents and nothing else."""
    return cents / 100


def unit_price(shelf_value: int, quantity: int) -> float:
    """Dollars per unit, rounded to a hundredth of a cent: fuel is counted in thousandths of a gallon.

    A line without a quantity is a coupon or a correction; its price is the amount of the line.
    """
    if quantity == 0:
        return dollars(shelf_value)
    hundredths = (2 * 100 * shelf_value + quantity) // (2 * quantity)
    return hundredths / 10_000


def _product(line: Line) -> dict[str, Any]:
    described: dict[str, Any] = {
        **line.product,
        "price": unit_price(line.shelf_value, line.quantity),
        "quantity": line.quantity,
    }
    if line.discount:
        described["discount"] = dollars(line.discount)
    return described
