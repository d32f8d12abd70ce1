"""Whatever the OpenAPI document allows, and what it does not, the API answers without an internal error."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

pytestmark = pytest.mark.slow


class Server:
    """The API under uvicorn in a thread with a loop of its own."""

    def __init__(self, api: AbstractAsyncContextManager[Any]) -> None:
        self.url = ""
        self.token = ""
        self._api = api
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    @contextmanager
    def running(self) -> Iterator["Server"]:
        """Start, and stop in the end."""
        self._thread.start()
        assert self._started.wait(20)
        try:
            yield self
        finally:
            self._server.should_exit = True
            self._thread.join(20)

    async def _serve(self) -> None:
        async with self._api as api:
            self.token = api.tokens["admin"]
            listener = socket.create_server(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._server = uvicorn.Server(uvicorn.Config(api.app, log_level="error", lifespan="off"))
            serving = asyncio.create_task(self._server.serve(sockets=[listener]))
            while not self._server.started:
                await asyncio.sleep(0.01)
            self._started.set()
            await serving
            listener.close()


@pytest.fixture
def server(api_factory) -> Iterator[Server]:
    """A running API."""
    with Server(api_factory()).running() as running:
        yield running


NAMES = {"pipeline": "web", "integration": "lytics", "number": 1}


@pytest.mark.timeout(600)
def test_nothing_that_is_sent_is_an_internal_error(server):
    """Every operation, with bodies and parameters that fit its description and that do not: never a status of 500 or more."""
    headers = {"Authorization": server.token}
    lytics = {"name": "Lytics", "kit": "lytics", "parameters": {"STREAM_ID": "s", "API_KEY": "k"}}
    for path, document in (("pipelines", {"name": "Web"}), ("integrations", lytics)):
        assert httpx.post(f"{server.url}/api/v1/{path}", json=document, headers=headers).status_code == 201
    schema = schemathesis.openapi.from_url(f"{server.url}/api/v1/schema/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    statuses: set[int] = set()
    # Deletions last: the others are to find what they name.
    for operation in sorted(operations, key=lambda one: one.method.upper() == "DELETE"):
        # Revoking the token of this test would turn every further reply into 401.
        if (operation.method.upper(), operation.path) != ("DELETE", "/api/v1/tokens/{token_id}"):
            statuses |= probe(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), headers, NAMES)
            statuses |= probe(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), headers, {})
    assert len(operations) > 25
    assert {200, 201, 204, 400, 404} <= statuses
    assert 401 not in statuses


def probe(cases, headers, names) -> set[int]:
    """Send generated cases of one operation, for the objects that `names` gives, and return the statuses of the replies."""
    statuses: set[int] = set()

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(cases)
    def send(case):
        case.headers = {**(case.headers or {}), **headers}
        for name in (case.path_parameters or {}).keys() & names.keys():
            case.path_parameters[name] = names[name]
        statuses.add(case.call_and_validate(checks=[not_a_server_error]).status_code)

    send()
    return statuses
