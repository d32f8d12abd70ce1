"""A real install: from the post of an event to the signed webhook of the entered audience."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.slow


def _post(url: str, body: Any, token: str = "") -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": "application/json"} | ({"Authorization": token} if token else {})
    reply = httpx.post(url, content=content, headers=headers, timeout=10)
    assert reply.is_success, reply.text
    return reply.json()


def _wait(condition, seconds: float = 20.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def _track(install, user: str, event: str, number: int, **properties: Any) -> None:
    key = install.write_key()
    body = {
        "writeKey": key,
        "batch": [
            {"type": "track", "userId": user, "event": event, "messageId": f"{user}-{number}", "properties": properties}
        ],
    }
    _post(f"{install.url}/v1/batch", body)


def test_who_enters_is_told_to_a_webhook_and_explained(running_install, receiver):
    """The whole way: audience by HTTP, subscription, event, signed message; then the command line says why."""
    install = running_install
    token = json.loads(install.run("token", "create", "test", "--scope", "admin", "--json").stdout)["token"]
    time.sleep(2.5)  # processes know a token within two seconds
    segment = _post(f"{install.admin_url}/api/segment", "FILTER _num_events >= 2 ALIAS regulars", token)["data"]
    body = {"webhook_url": f"{receiver.url}/hook", "segment_ids": [segment["id"]], "user_fields": ["user_id"]}
    secret = _post(f"{install.admin_url}/api/subscription", body, token)["data"]["secret"]
    time.sleep(2.5)  # routers follow the configuration within two seconds
    _track(install, "ada", "Visited", 1)
    _track(install, "ada", "Visited", 2)
    request = _wait(lambda: next(iter(receiver.requests), None))
    message = json.loads(request.body)
    assert message["event"] == "entered"
    assert message["segment"] == {"id": segment["id"], "slug": "regulars"}
    assert message["data"] == {"user_id": "ada"}
    moment, signature = (part.split("=")[1] for part in request.headers["headwater-signature"].split(","))
    assert hmac.new(secret.encode(), f"{moment}.".encode() + request.body, hashlib.sha256).hexdigest() == signature
    explained = install.run("audiences", "explain", "user_id=ada", "regulars").stdout
    assert "is in regulars" in explained
    assert "_num_events >= 2" in explained
    assert install.run("audiences", "size", "regulars").stdout.strip() == "1"
    assert json.loads(install.run("audiences", "scan", "regulars").stdout)["user_id"] == "ada"
    assert "regulars" in install.run("audiences", "list").stdout
