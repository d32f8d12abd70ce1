"""`headwater profiles` on a running install: what a person sees of a profile, and what he decides."""

import json
import time
import urllib.request

import pytest

pytestmark = pytest.mark.slow


def post(install, *records):
    token = json.loads(install.run("token", "create", "test", "--scope", "data", "--json").stdout)["token"]
    request = urllib.request.Request(  # noqa: S310  # our own install
        f"{install.url}/collect/json/default",
        data=json.dumps(records).encode(),
        headers={"Authorization": token, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310  # our own install
        assert reply.status == 200


def shown(install, *arguments):
    return json.loads(install.run("profiles", *arguments, "--json").stdout)


def test_a_profile_from_the_door_to_the_decision(running_install):
    """Posted, found, explained, taken apart and put together again."""
    install = running_install
    post(install, {"user_id": "u1", "email": "Jane@Shop.example", "city": "Oslo"})
    deadline = time.monotonic() + 20
    while not (found := shown(install, "search", "jane@")) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [(each["type"], each["value"]) for each in found] == [("email", "jane@shop.example")]
    profile = shown(install, "show", "email:JANE@shop.example")
    assert (profile["city"], profile["user_id"]) == ("Oslo", "u1")
    assert shown(install, "show", profile["_id"]) == profile
    (entry,) = shown(install, "timeline", "user_id:u1")["entries"]
    assert entry["data"]["city"] == "Oslo"
    assert "jane@shop.example" in install.run("profiles", "explain", "user_id:u1").stdout
    preview = shown(install, "unmerge", "email:jane@shop.example", "--preview")
    assert [len(preview[side]) for side in ("before", "after")] == [1, 2]
    decided = shown(install, "unmerge", "email:jane@shop.example")
    assert "email" not in shown(install, "show", "user_id:u1")
    install.run("profiles", "undo", *(str(each["id"]) for each in decided["decisions"]))
    assert shown(install, "show", "user_id:u1")["email"] == "jane@shop.example"
    assert shown(install, "stats")["profiles"] == 1
    assert install.run("profiles", "show", "user_id:nobody", check=False).returncode == 1
