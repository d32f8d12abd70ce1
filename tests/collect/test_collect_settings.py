"""What SDKs load before they send."""

from __future__ import annotations

import pytest

from headwater.settings import CollectSettings


@pytest.mark.parametrize(
    "path", ["/v1/projects/key-web/settings", "/projects/key-web/settings", "/v1/projects/key-web/settings/"]
)
async def test_segments_settings_send_the_sdk_back_here(collector, path):
    """One integration only, with the key, and host and scheme as they were asked."""
    reply = await collector.client.get(path)
    document = reply.json()
    host = collector.url.removeprefix("http://")
    assert reply.status_code == 200
    assert document["integrations"] == {
        "Segment.io": {"apiKey": "key-web", "apiHost": f"{host}/v1", "protocol": "http", "retryQueue": True}
    }
    assert document["metrics"] == {"sampleRate": 0}
    assert "max-age" in reply.headers["Cache-Control"]


async def test_behind_a_trusted_proxy_its_word_counts(start_collector):
    """The proxy knows the scheme and host that the browser used; from anybody else the headers are ignored."""
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "t.example"}
    for trusted, expected in (((), "http"), (("127.0.0.1",), "https")):
        async with start_collector(CollectSettings(trusted_proxies=trusted)) as collector:
            document = (await collector.client.get("/v1/projects/key-web/settings", headers=forwarded)).json()
            connection = document["integrations"]["Segment.io"]
            assert connection["protocol"] == expected
            assert (connection["apiHost"] == "t.example/v1") == bool(trusted)


@pytest.mark.parametrize("key", ["wrong", "key-off"])
async def test_settings_of_an_unusable_key_are_404(collector, key):
    """Segment answers so."""
    assert (await collector.client.get(f"/v1/projects/{key}/settings")).status_code == 404


async def test_a_host_that_is_none_is_not_repeated(collector):
    """The answer is loaded as configuration, so it holds nothing that a header made up."""
    reply = await collector.client.get("/v1/projects/key-web/settings", headers={"Host": 'x"/evil'})
    assert reply.status_code == 400


async def test_rudders_configuration_has_no_destinations(collector):
    """Everything is routed on the server; the key may stand in Basic or in the query."""
    replies = [
        await collector.client.get("/sourceConfig", auth=("key-web", "")),
        await collector.client.get("/sourceConfig/", params={"writeKey": "key-web", "p": "web", "v": "3"}),
    ]
    for reply in replies:
        source = reply.json()["source"]
        assert reply.status_code == 200
        assert (source["id"], source["name"], source["enabled"], source["destinations"]) == ("p-web", "Web", True, [])
        assert isinstance(source["config"], dict)


@pytest.mark.parametrize(("key", "status"), [("wrong", 401), ("key-off", 404)])
async def test_rudders_clients_are_told_by_the_status(collector, key, status):
    """401 is a wrong key, 404 a disabled source."""
    assert (await collector.client.get("/sourceConfig", auth=(key, ""))).status_code == status


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
async def test_the_probe_for_ad_blockers_is_open(collector, path):
    """HEAD is 200 at the same address without a key and without a redirect."""
    reply = await collector.client.head(path, params={"view": "ad"})
    assert (reply.status_code, reply.content) == (200, b"")
