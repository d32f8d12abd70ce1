"""Tag settings of a pipeline: checked when they are stored."""

from __future__ import annotations

import json

import pytest

from headwater.errors import InputError
from headwater.pipelines import tag_settings


def test_defaults_are_left_out():
    """What says nothing is stored as nothing, so that a new default reaches old pipelines."""
    document = {"capture": {"scroll": True, "mouse": False}, "domains": [], "cookie": {"server": False}}
    assert tag_settings.check(document) == {"capture": {"scroll": True}}
    assert tag_settings.check({}) == {}


def test_a_whole_document_is_kept():
    """Every part goes through unchanged; the source of an id is called `from`."""
    document = {
        "capture": {"forms": True, "allow_fields": ["topic"]},
        "consent": {"source": "tcf", "required": ["1"], "before": "cookieless", "refused": "cookieless", "gpc": True},
        "identity": [{"vendor": "google", "id": "client", "from": "cookie", "key": "_ga", "ttl_seconds": 60}],
        "domains": ["shop.example"],
        "cookie": {"server": True, "domain": "shop.example"},
    }
    assert json.loads(json.dumps(tag_settings.check(document))) == document


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"captures": {}}, "tag"),
        ({"capture": {"scrol": True}}, "tag.capture"),
        ({"capture": {"scroll": "yes"}}, "tag.capture.scroll"),
        ({"consent": {"source": "guess"}}, "tag.consent.source"),
        ({"domains": ["https://shop.example"]}, "tag.domains[0]"),
        ({"identity": [{"vendor": "a b", "id": "x", "from": "cookie", "key": "k"}]}, "tag.identity[0].vendor"),
        (
            {"identity": [{"vendor": "a", "id": "x", "from": "fetch", "key": "http://plain.example"}]},
            "tag.identity.key",
        ),
    ],
)
def test_a_mistake_is_named(document, field):
    """The error names the field, so that a typo does not silently leave a capture off."""
    with pytest.raises(InputError) as caught:
        tag_settings.check(document)
    assert caught.value.field == field
