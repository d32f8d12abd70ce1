"""Events for running published kits: an ordinary one for each event name, and some that lack or twist what kits read."""

from __future__ import annotations

from typing import Any

TRACK_NAMES = [
    "Order Completed", "Product Added", "Product Viewed", "Cart Viewed", "Products Searched", "Product List Viewed",
    "Checkout Started", "Product Removed", "Payment Info Entered", "Product Clicked", "Product Added to Wishlist",
    "Promotion Clicked", "Promotion Viewed", "Order Refunded", "Order Updated", "Order Cancelled", "Coupon Entered",
    "Session Started", "Application Opened", "Checkout Step Completed", "Application Installed", "Signed Up",
    "Something Unknown",
]  # fmt: skip
TYPES = ["page", "screen", "identify", "group", "alias"]

PRODUCTS = [
    {"product_id": "p-1", "sku": "s-1", "name": "Runner & Co", "brand": "Example", "category": "Shoes", "variant": "blue",
     "price": 19.9, "quantity": 2, "position": 1, "url": "https://shop.example/p/1", "image_url": "https://shop.example/1.jpg"},
    {"product_id": "p-2", "sku": "s-2", "name": "Sock", "category": "Socks", "price": "4.50", "coupon": "SOCKS"},
]  # fmt: skip
CONTEXT = {
    "ip": "203.0.113.24",
    "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)",
    "locale": "en-GB",
    "timezone": "Europe/Oslo",
    "page": {
        "url": "https://shop.example/p/1?gclid=g-1&fbclid=f-1&utm_source=mail",
        "path": "/p/1",
        "referrer": "https://www.google.com/search?q=shoes",
        "title": "Runner",
        "search": "?gclid=g-1",
    },
    "app": {"name": "Shop", "version": "1.2.3", "namespace": "com.example.shop"},
    "device": {
        "type": "ios",
        "id": "d-1",
        "advertisingId": "ad-1",
        "adTrackingEnabled": True,
        "model": "iPhone",
        "manufacturer": "Apple",
    },
    "os": {"name": "iOS", "version": "18.0"},
    "network": {"carrier": "Telenor", "wifi": True},
    "screen": {"width": 390, "height": 844, "density": 3},
    "campaign": {"source": "mail", "medium": "email", "name": "autumn", "term": "shoes", "content": "top"},
    "library": {"name": "analytics.js", "version": "2.0.0"},
    "providers": {
        "facebookTag": {"_fbp": "fb.1.1", "_fbc": "fb.1.2"},
        "nextdoor": {"ndclid": "n-1"},
        "xandr": {"uid": "1"},
    },
}
TRAITS = {
    "email": " Jane@Example.com",
    "phone": "+47 22 00 00 00",
    "firstName": "Jane",
    "lastName": "Doe",
    "gender": "f",
    "birthday": "1980-01-02T00:00:00Z",
    "address": {"city": "Oslo", "country": "Norway", "postalCode": "0150", "state": "Oslo", "street": "Gata 1"},
}
PROPERTIES = {
    **PRODUCTS[0],
    "order_id": "o-7",
    "checkout_id": "c-1",
    "cart_id": "k-1",
    "list_id": "l-1",
    "currency": "EUR",
    "total": 58.7,
    "revenue": 50.2,
    "shipping": 4.9,
    "tax": 3.6,
    "discount": 2,
    "value": 58.7,
    "coupon": "AUTUMN",
    "query": "running shoes",
    "promotion_id": "pr-1",
    "creative": "banner",
    "products": PRODUCTS,
}
IDENTITY = {
    "messageId": "m-1",
    "anonymousId": "8d872292-709d-463e-b7e9-1fe65bb8cbfd",
    "userId": "u-1",
    "timestamp": "2025-11-20T09:17:16.036Z",
    "originalTimestamp": "2025-11-20T09:17:15.911Z",
    "sentAt": "2025-11-20T09:17:17.000Z",
    "receivedAt": "2025-11-20T09:17:17.120Z",
}


def ordinary_events() -> list[dict[str, Any]]:
    """One rich event for each name that kits know, and for the types."""
    rich = {**IDENTITY, "context": CONTEXT, "traits": TRAITS, "properties": PROPERTIES, "integrations": {"All": True}}
    tracks = [{"type": "track", "event": name, **rich} for name in TRACK_NAMES]
    return [*tracks, *({"type": kind, "name": "Home", "category": "Shop", **rich} for kind in TYPES)]


def odd_events() -> list[dict[str, Any]]:
    """Events that are nearly empty, of wrong types, or full of characters that need escaping."""
    return [
        {},
        {"type": "track"},
        {"type": "page"},
        {"type": "track", "event": "Order Completed", "properties": {}},
        {"type": "track", "event": "Order Completed", "properties": {"products": []}},
        {
            "type": "track",
            "event": "Order Completed",
            "properties": {"products": [None, {}, "x"]},
            "timestamp": "yesterday",
        },
        {"type": "track", "event": "Product Added", "context": "text", "traits": [1], "properties": 5},
        {"type": "identify", "userId": "ü&=?#/ \"'<>\\", "traits": {"email": None, "phone": 4722000000}},
        {
            "type": "track",
            "event": "Product Viewed",
            "properties": {"price": "free", "quantity": None, "name": {"de": "Schuh"}},
        },
    ]
