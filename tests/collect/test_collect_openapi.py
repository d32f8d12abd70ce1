"""The OpenAPI document tells the truth: requests made from it find no unforeseen answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from headwater.collect.openapi import document
from headwater.collect.routes import ROUTES
from headwater.settings import CollectSettings


async def test_every_route_is_in_the_document(collector):
    """The document is served, and holds each path with each method."""
    served = (await collector.client.get("/openapi.json")).json()
    described = {(method.upper(), path) for path, operations in served["paths"].items() for method in operations}
    assert described == {(route.method, route.path) for route in ROUTES}


def test_operation_ids_are_unique():
    """Generators of clients need them to be."""
    names = [
        operation["operationId"]
        for operations in document(ROUTES)["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))


@pytest.fixture(scope="module")
def address(request) -> Iterator[str]:
    """A collector in a thread: the fuzzer is synchronous. It starts through the same helper as every other one."""
    start = request.getfixturevalue("start_collector_anywhere")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()
    started = asyncio.run_coroutine_threadsafe(stack.enter_async_context(start(CollectSettings())), loop).result(20)
    yield started.url
    asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_lines(context: object, value: object) -> bytes:
    """Rows are text to the fuzzer."""
    return str(value).encode()


schema = schemathesis.openapi.from_dict(document(ROUTES))


@pytest.mark.slow
@pytest.mark.parametrize("authorization", ["Basic a2V5LXdlYjo=", "data-token"])
@schema.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_no_request_finds_an_unforeseen_answer(case, authorization, address):
    """No request that the document allows, and none that it does not, is answered with a server error."""
    reply = case.call(base_url=address, headers={"Authorization": authorization})
    case.validate_response(reply, checks=[not_a_server_error, status_code_conformance, content_type_conformance])
