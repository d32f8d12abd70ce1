"""The money of an order adds up to the cent."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.demo.orders import Basket, Line, order_completed, unit_price

CENTS = st.integers(0, 1_000_000)
LINES = st.builds(Line, st.just({"product_id": "1"}), st.integers(0, 90_000), CENTS, CENTS, CENTS, CENTS)


def _order(*lines: Line) -> dict:
    return order_completed(Basket(7, 3, 42, 1_483_271_606_000, lines))


@given(st.lists(LINES, min_size=1, max_size=20))
def test_amounts_of_an_order_agree_exactly(lines: list[Line]) -> None:
    """total = shelf price − discount and revenue = total + coupons, in the decimal digits of the JSON text."""
    text = orjson.dumps(_order(*lines)["properties"])
    written = {name: Decimal(str(value)) for name, value in orjson.loads(text).items() if isinstance(value, float)}
    shelf = Decimal(sum(line.sales_value + line.retail_disc + line.coupon_match_disc for line in lines)) / 100
    assert written["total"] == shelf - written["discount"]
    assert written["revenue"] == written["total"] + written["coupon_discount"]
    assert written["discount"] == (
        written["loyalty_discount"] + written["coupon_discount"] + written["coupon_match_discount"]
    )


@given(CENTS, st.integers(1, 90_000))
def test_unit_price_is_within_half_a_hundredth_of_a_cent(shelf: int, quantity: int) -> None:
    """A price per unit is the nearest number of four decimals, and exact where the division is."""
    exact = Decimal(shelf) / 100 / quantity
    written = Decimal(str(unit_price(shelf, quantity)))
    assert abs(written - exact) <= Decimal("0.00005")
    if shelf % quantity == 0:
        assert written == exact


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            Line({"product_id": "1"}, 2, 355, 178, 55, 45),
            {"product_id": "1", "price": 2.89, "quantity": 2, "discount": 2.78},
            id="all discounts: (3.55 + 1.78 + 0.45) / 2",
        ),
        pytest.param(
            Line({"product_id": "1"}, 1, 50, 0, 0, 0),
            {"product_id": "1", "price": 0.5, "quantity": 1},
            id="no discount, no field",
        ),
        pytest.param(
            Line({"product_id": "1"}, 0, 0, 0, 200, 0),
            {"product_id": "1", "price": 0.0, "quantity": 0, "discount": 2.0},
            id="a coupon's own line",
        ),
    ],
)
def test_product_of_a_line(line: Line, expected: dict) -> None:
    """A product has the shelf price of one unit, and the discount of the whole line."""
    assert _order(line)["properties"]["products"] == [expected]


def test_ids_of_an_order_are_those_of_the_basket() -> None:
    """The message id comes from the basket and the time from the till, so that a second replay is the same event."""
    order = _order(Line({"product_id": "1"}, 1, 50, 0, 0, 0))
    assert (order["messageId"], order["userId"]) == ("completejourney-order-7", "household-3")
    assert order["timestamp"] == "2017-01-01T11:53:26.000Z"
    assert order["properties"]["affiliation"] == "Store 42"
