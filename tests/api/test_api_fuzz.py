"""Whatever the OpenAPI document allows, and what it does not, the API answers without an internal error."""

import asyncio
import re
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
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from headwater import jsontext

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

    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    @given(cases)
    def send(case):
        case.headers = {**(case.headers or {}), **headers}
        for name in (case.path_parameters or {}).keys() & names.keys():
            case.path_parameters[name] = names[name]
        statuses.add(case.call_and_validate(checks=[not_a_server_error]).status_code)

    send()
    return statuses


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = ["id", "field", "type", "mergeop", "expr", "stream", "guard_expr", "fields", "id_ranks", "id_config", "tag", "description",
        "is_identifier", "capacity", "keep_days", "assertions", "value", "table", "identities", "name", "segment_ql", "segment_ids"]  # fmt: skip
OBJECTS = st.dictionaries(
    st.sampled_from(KEYS), JSON | st.sampled_from(["email", "user_id", "int", "web", "user"]), max_size=6
)
WORDS = ["SELECT", "FROM", "INTO user", "BY email", "ALIAS x", "WHERE", "IF", "AS", "KIND int", "email", "count(x)", "map(a, 1)", ",", "(", ")", ";", "*", "FILTER", "=", "'x'", "`", "-- c\n", "MERGEOP sum"]  # fmt: skip
STATEMENTS = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join).map(str.encode)
BODIES = st.binary(max_size=40) | JSON.map(jsontext.encode) | OBJECTS.map(jsontext.encode) | STATEMENTS


@pytest.mark.timeout(600)
def test_no_text_that_is_sent_is_an_internal_error(server):
    """Routes that read their body themselves: random bytes, JSON of any shape, known keys with odd values, words of the language."""
    document = httpx.get(f"{server.url}/api/v1/schema/openapi.json").json()
    texts = [
        (method, re.sub(r"{\w+}", "user", path))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in ("post", "put") and "requestBody" not in operation
    ]
    assert len(texts) > 20
    with httpx.Client(base_url=server.url, headers={"Authorization": server.token}) as client:

        @settings(max_examples=400, suppress_health_check=list(HealthCheck))
        @given(st.sampled_from(texts), BODIES)
        def send(operation, body):
            reply = client.request(operation[0], operation[1], content=body)
            assert reply.status_code < 500, (operation, body, reply.text)

        send()
