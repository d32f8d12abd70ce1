"""From the door to the profile and back, on a running install."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def admin(running_install):
    """A client of the APIs with the token of an administrator."""
    created = running_install.run("token", "create", "tests", "--scope", "admin", "--json").stdout
    headers = {"Authorization": json.loads(created)["token"]}
    with httpx.Client(base_url=running_install.admin_url, headers=headers, timeout=30) as client:
        for _ in range(50):
            if client.get("/api/v1/me").status_code == 200:
                break
            time.sleep(0.1)
        yield client


def collect(install, stream: str, *records: dict[str, Any]) -> None:
    """Send records through the Lytics door."""
    token = json.loads(install.run("token", "create", "sender", "--scope", "data", "--json").stdout)["token"]
    for _ in range(50):
        reply = httpx.post(f"{install.url}/collect/json/{stream}", json=list(records), headers={"Authorization": token})
        if reply.status_code == 200:
            return
        time.sleep(0.1)
    raise AssertionError(reply.text)


def until(look: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What a question gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return found


def test_a_field_that_was_just_published_is_filled_by_the_next_record(running_install, admin):
    """LQL in, record in, profile out with the new field; unknown keys of the stream are listed and become fields."""
    shop = "SELECT email(mail) AS email, toint(points) AS points KIND int MERGEOP max FROM shop INTO user BY email ALIAS shop"
    assert admin.post("/api/query", content=shop).json()["meta"]["state"] == "live"
    time.sleep(2)  # every process follows within two seconds
    name = f"{uuid.uuid4().hex[:8]}@shop.io"
    collect(running_install, "shop", {"mail": name, "points": "7", "tier": "gold"}, {"mail": name, "points": "5"})
    data = admin.get(f"/api/entity/user/email/{name}", params={"wait": "true"}).json()["data"]
    assert (data["points"], data["email"]) == (7, name)
    seen = until(
        lambda: [each for each in admin.get("/api/schema/_streams").json()["data"] if each["stream"] == "shop"]
    )
    assert {"mail", "points", "tier"} <= {each["name"] for each in seen[0]["fields"]}
    promoted = admin.post("/api/v1/profile-schema/promote", json={"stream": "shop", "key": "tier"})
    assert promoted.status_code == 200, promoted.text
    published = admin.post("/v2/schema/user/publish", json={"tag": "tier", "description": "Tiers"})
    assert published.json()["data"]["state"] == "live"
    time.sleep(2)
    collect(running_install, "shop", {"mail": name, "tier": "silver"})
    assert admin.get(f"/api/me/email/{name}", params={"wait": "true"}).json()["data"]["tier"] == "silver"


def test_a_deletion_reaches_the_log_and_the_archive(running_install, admin):
    """The profile is gone at once; the request is complete when neither log nor archive has a record; what others sent stays."""
    name = uuid.uuid4().hex
    collect(running_install, "default", {"user_id": name, "city": "Oslo"}, {"user_id": f"other-{name}", "city": "Rome"})
    profile = admin.get(f"/api/entity/user/user_id/{name}", params={"wait": "true"}).json()["data"]["_id"]
    (entry,) = admin.get(f"/api/v1/profiles/{profile}/timeline").json()["entries"]
    assert entry["record"]["city"] == "Oslo"
    request = admin.delete(f"/api/entity/user/user_id/{name}").json()
    assert (request["message"], request["data"]["complete"]) == ("delete request received", False)
    status = f"/api/entity/deletestatus/{request['data']['request_id']}"
    assert admin.get(f"/api/entity/user/user_id/{name}").json()["message"] == "Not Found"
    until(lambda: admin.get(status).json()["data"]["complete"], 120)
    for kept in (("log", "read"), ("archive", "export")):
        texts = running_install.run(*kept, "--stream", "default").stdout
        assert f"other-{name}" in texts or kept[0] == "archive"  # the archiver may not have come to it yet
        assert name not in texts.replace(f"other-{name}", "")
    other = admin.get(f"/api/entity/user/user_id/other-{name}").json()["data"]["_id"]
    assert admin.get(f"/api/v1/profiles/{other}/timeline").json()["entries"][0]["record"]["city"] == "Rome"
