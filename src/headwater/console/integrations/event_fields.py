"""What the standard fields of an event are: for people who map them. Names as in the Segment spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class EventField(NamedTuple):
    """A field: what it says, and what kind of value is expected."""

    description: str
    kind: str


_TEXT, _TIME, _NUMBER, _FLAG, _OBJECT, _LIST = "text", "time (RFC 3339)", "number", "true or false", "object", "list"

FIELDS: Mapping[str, EventField] = {
    "input": EventField("The whole event", _OBJECT),
    "userId": EventField("Your own id of the person, once known", _TEXT),
    "anonymousId": EventField("Id of the browser or device", _TEXT),
    "previousId": EventField("Of an alias event: the id that the person had before", _TEXT),
    "groupId": EventField("Of a group event: id of the company or team", _TEXT),
    "messageId": EventField("Id of this event; a repeat has the same", _TEXT),
    "type": EventField("track, page, screen, identify, group or alias", _TEXT),
    "event": EventField("Of a track event: its name", _TEXT),
    "name": EventField("Of a page or screen event: its name", _TEXT),
    "category": EventField("Of a page or screen event: its category", _TEXT),
    "timestamp": EventField("When it happened, by a corrected clock", _TIME),
    "originalTimestamp": EventField("When it happened, by the sender's clock", _TIME),
    "sentAt": EventField("When it was sent, by the sender's clock", _TIME),
    "receivedAt": EventField("When Headwater received it", _TIME),
    "version": EventField("Version of the sending library's format", _TEXT),
    "channel": EventField("browser, server or mobile", _TEXT),
    "integrations": EventField("Which integrations the sender allows", _OBJECT),
    "properties": EventField("What the sender tells about the event", _OBJECT),
    "traits": EventField("What is known about the person", _OBJECT),
    "traits.email": EventField("E-mail address of the person", _TEXT),
    "traits.phone": EventField("Phone number of the person", _TEXT),
    "traits.firstName": EventField("First name", _TEXT),
    "traits.lastName": EventField("Last name", _TEXT),
    "traits.name": EventField("Full name", _TEXT),
    "traits.gender": EventField("Gender", _TEXT),
    "traits.birthday": EventField("Date of birth", _TIME),
    "traits.createdAt": EventField("When the account was made", _TIME),
    "traits.address": EventField("Postal address", _OBJECT),
    "traits.address.city": EventField("City", _TEXT),
    "traits.address.country": EventField("Country", _TEXT),
    "traits.address.postalCode": EventField("Postal code", _TEXT),
    "traits.address.state": EventField("State or region", _TEXT),
    "traits.address.street": EventField("Street", _TEXT),
    "context": EventField("Where and how it happened", _OBJECT),
    "context.ip": EventField("Network address of the person", _TEXT),
    "context.userAgent": EventField("Browser and system, as the browser names them", _TEXT),
    "context.locale": EventField("Language and country, such as en-GB", _TEXT),
    "context.timezone": EventField("Time zone, such as Europe/Berlin", _TEXT),
    "context.page": EventField("The page on which it happened", _OBJECT),
    "context.page.url": EventField("Address of the page", _TEXT),
    "context.page.path": EventField("Path of the page", _TEXT),
    "context.page.title": EventField("Title of the page", _TEXT),
    "context.page.referrer": EventField("Address of the page before", _TEXT),
    "context.page.search": EventField("Query of the page's address", _TEXT),
    "context.campaign": EventField("Campaign that led here (utm parameters)", _OBJECT),
    "context.campaign.name": EventField("utm_campaign", _TEXT),
    "context.campaign.source": EventField("utm_source", _TEXT),
    "context.campaign.medium": EventField("utm_medium", _TEXT),
    "context.device.id": EventField("Id of the device", _TEXT),
    "context.device.advertisingId": EventField("Advertising id of the device", _TEXT),
    "context.device.type": EventField("ios, android", _TEXT),
    "context.os.name": EventField("Operating system", _TEXT),
    "context.app.name": EventField("Name of the app", _TEXT),
    "context.library.name": EventField("Sending library", _TEXT),
    "context.consent": EventField("What the person agreed to", _OBJECT),
    "properties.order_id": EventField("Id of the order", _TEXT),
    "properties.products": EventField("Products of the order or list", _LIST),
    "properties.product_id": EventField("Id of the product", _TEXT),
    "properties.sku": EventField("Stock keeping unit", _TEXT),
    "properties.price": EventField("Price of one piece", _NUMBER),
    "properties.quantity": EventField("How many pieces", _NUMBER),
    "properties.revenue": EventField("Revenue without tax and shipping", _NUMBER),
    "properties.total": EventField("Revenue with tax and shipping", _NUMBER),
    "properties.value": EventField("Worth of the event", _NUMBER),
    "properties.tax": EventField("Tax", _NUMBER),
    "properties.shipping": EventField("Shipping cost", _NUMBER),
    "properties.discount": EventField("Discount", _NUMBER),
    "properties.coupon": EventField("Coupon code", _TEXT),
    "properties.currency": EventField("Currency, such as EUR", _TEXT),
    "properties.query": EventField("What was searched for", _TEXT),
    "properties.url": EventField("Address of the page", _TEXT),
    "properties.path": EventField("Path of the page", _TEXT),
    "properties.title": EventField("Title of the page", _TEXT),
    "properties.referrer": EventField("Address of the page before", _TEXT),
}

EVENT_NAMES = (
    *("page", "screen", "identify", "group", "alias"),
    *("Products Searched", "Product List Viewed", "Product Clicked", "Product Viewed", "Product Added"),
    *("Product Removed", "Cart Viewed", "Checkout Started", "Payment Info Entered", "Order Completed"),
    *("Order Refunded", "Order Cancelled", "Coupon Applied", "Promotion Viewed", "Promotion Clicked", "Signed Up"),
)
"""Names that the Segment spec gives, to choose from."""

_PARENTS = (
    ("properties.", EventField("Of the event's properties", "any")),
    ("traits.", EventField("Of what is known about the person", "any")),
    ("context.traits.", EventField("Of what is known about the person", "any")),
    ("context.", EventField("Of where and how it happened", "any")),
    ("integrations.", EventField("What the sender says for one integration", "any")),
)
_UNKNOWN = EventField("A field of your own", "any")


def describe(path: str) -> EventField:
    """What a dotted path of an event leads to."""
    found = FIELDS.get(path) or FIELDS.get(path.removeprefix("context.") if path.startswith("context.traits") else path)
    if found is not None:
        return found
    return next((field for start, field in _PARENTS if path.startswith(start)), _UNKNOWN)


def paths_of(event: Mapping[str, object], prefix: str = "", limit: int = 300) -> list[str]:
    """The dotted paths that an event has, for completion; objects and what is in them, at most `limit`."""
    found: list[str] = []
    for key, value in event.items():
        if len(found) >= limit:
            break
        path = f"{prefix}{key}"
        found.append(path)
        if isinstance(value, dict):
            found.extend(paths_of(value, f"{path}.", limit - len(found)))
    return found
