"""The built-in library: every folder is complete, and every worked example holds."""

from __future__ import annotations

from datetime import datetime

import pytest

from headwater.errors import ConfigurationError, InputError
from headwater.integrations import library
from headwater.integrations.library import Example, Integration
from headwater.playbooks import check_kit, compile_kit, example_values, fixed_clock
from headwater.playbooks.documents import read_document
from headwater.playbooks.preview import Preview

INTEGRATIONS = library.list_all()
IDENTIFIER = "00000000-0000-4000-8000-000000000000"


def named(name: str) -> Integration:
    return next(one for one in INTEGRATIONS if one.name == name)


def test_the_library_has_its_integrations() -> None:
    """Lytics first of all, and the others that people start with."""
    expected = [
        "audience-webhook",
        "azure",
        "braze",
        "ga4",
        "gcs",
        "headwater",
        "kafka",
        "lytics",
        "meta-conversions",
        "profiles",
        "s3",
        "segment",
        "slack",
        "stdout",
        "webhook",
    ]
    assert list(library.names()) == expected


@pytest.mark.parametrize("integration", INTEGRATIONS, ids=lambda one: one.name)
def test_every_integration_is_complete(integration: Integration) -> None:
    """No problem and no finding, a name, a description, help for each parameter, an example, all four files."""
    assert check_kit(integration.kit) == []
    assert integration.friendly_name
    assert integration.description
    assert all(parameter.description and parameter.example for parameter in integration.parameters)
    assert integration.examples
    assert sorted(library.texts(integration.name)) == [
        "connection.yaml",
        "delivery.yaml",
        "metadata.yaml",
        "playbook.yaml",
    ]
    compile_kit(integration.kit, example_values(integration.parameters))


EXAMPLES = [(one, example) for one in INTEGRATIONS for example in one.examples]


@pytest.mark.parametrize(
    ("integration", "example"), EXAMPLES, ids=lambda value: getattr(value, "title", getattr(value, "name", ""))
)
def test_every_example_holds(integration: Integration, example: Example) -> None:
    """The event becomes exactly the request that the example shows."""
    compiled = compile_kit(integration.kit, example.parameters)
    clock = fixed_clock(datetime.fromisoformat(example.now), IDENTIFIER)
    (line,) = Preview(compiled, clock, None).lines([example.event])
    assert line == example.result


def test_lytics_is_the_kit_that_lytics_customers_know() -> None:
    """12 names, three spreadings of depth 5, one POST with the key as it is, both parameters required."""
    kit = named("lytics").kit
    rows = {(row["inputKey"], row["outputKey"]) for row in kit.playbook.value["global"]["mappings"]}
    assert rows == {
        ("messageId", "id"),
        ("userId", "user_id"),
        ("previousId", "previous_id"),
        ("anonymousId", "anonymous_id"),
        ("originalTimestamp", "original_timestamp"),
        ("receivedAt", "received_at"),
        ("sentAt", "sent_at"),
        ("timestamp", "timestamp"),
        ("type", "type"),
        ("event", "event"),
        ("name", "name"),
        ("category", "category"),
    }
    assert kit.playbook.value["global"]["spreadings"] == [
        {"inputKey": key, "flatten": {"separator": "_", "prefix": key, "depth": 5}}
        for key in ("context", "traits", "properties")
    ]
    assert (kit.playbook.value["eventSpecific"], kit.playbook.value["default"]) == ({}, {})
    with pytest.raises(ConfigurationError, match="no value for STREAM_ID, API_KEY"):
        compile_kit(kit, {})


def test_lytics_is_delivered_in_lists() -> None:
    """A hundred events in a request, and the count of refused records is read from the answer."""
    lytics = named("lytics")
    assert lytics.delivery.reply.rejected_count == "data.rejected_count"
    integration = compile_kit(lytics.kit, {"STREAM_ID": "s", "API_KEY": "k"}, batch_size=lytics.delivery.batch_size)
    outputs = [integration.prepare({"type": "page", "messageId": f"m-{n}"}).outputs[0] for n in range(2)]
    assert integration.batch_size(outputs[0]) == 100
    assert integration.request(outputs).body == b'[{"id":"m-0","type":"page"},{"id":"m-1","type":"page"}]'


def test_an_unknown_integration_names_the_known_ones() -> None:
    """The error lists what there is."""
    with pytest.raises(InputError, match=r"no integration 'lytic'; it has .*lytics"):
        library.show("lytic")
    with pytest.raises(InputError):
        library.texts("../playbooks")


def test_a_bad_delivery_file_is_refused() -> None:
    """An unknown key or a value out of range names itself."""
    for text, said in (("batchsize: 5", "batchsize"), ("concurrency: 0", "concurrency")):
        with pytest.raises(ConfigurationError, match=said):
            library.delivery_of(read_document(text, "delivery.yaml"))
