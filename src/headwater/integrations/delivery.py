"""How an integration wants to be delivered to: the file `delivery.yaml` beside its kit.

A kit says what is sent; this says how: in which batches, how many requests at once, in which order, and how to read
the answer. What a destination can do is a value that delivery reads, never a question about its name.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class ReplyRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How to read a 2xx answer.

    `rejected_count`  dotted path of a number of records that the receiver did not take; more than 0 is no success
    `json_required`   an answer that is no JSON object did not come from the receiver: try again
    """

    rejected_count: str | None = None
    json_required: bool = False


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an integration is delivered to.

    `batch_size`               most outputs in one request; None: what the connection says
    `batch_wait_milliseconds`  how long a partial batch waits for more
    `concurrency`              most requests under way at once
    `order_per_user`           a user's outputs arrive in the order of his events, at the price of speed
    `timeout_seconds`          how long to wait for an answer; None: the setting route.request_timeout_seconds
    `retry_hours`              how long to try again before an output is a dead letter; None: the setting route.retry_hours
    """

    batch_size: Count | None = None
    batch_wait_milliseconds: Annotated[int, msgspec.Meta(ge=0, le=600_000)] = 200
    concurrency: Count = 4
    order_per_user: bool = False
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] | None = None
    retry_hours: Annotated[float, msgspec.Meta(ge=0, le=720)] | None = None
    reply: ReplyRule = ReplyRule()
