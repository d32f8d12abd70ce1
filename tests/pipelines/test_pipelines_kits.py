"""Kits as revisions hold them."""

import msgspec
import pytest

from headwater.errors import ConfigurationError
from headwater.integrations import library
from headwater.pipelines import kits
from headwater.pipelines.objects import DeliverySettings, PlainValue, ReferenceValue, RevisionContent, SealedValue

LYTICS = RevisionContent(
    kit="lytics",
    texts=library.texts("lytics"),
    parameters={"STREAM_ID": PlainValue("default"), "API_KEY": SealedValue("x")},
)


def with_text(name: str, text: str) -> RevisionContent:
    """The Lytics kit with one file replaced."""
    return msgspec.structs.replace(LYTICS, texts=LYTICS.texts | {name: text})


def test_the_library_kit_can_run():
    """A secret that nobody can read here is stood in for."""
    kits.check(LYTICS)
    kits.check(
        msgspec.structs.replace(LYTICS, parameters=LYTICS.parameters | {"API_KEY": ReferenceValue("secret://env/X")})
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (msgspec.structs.replace(LYTICS, parameters={"STREAM_ID": PlainValue("x")}), "no value for API_KEY"),
        (
            msgspec.structs.replace(LYTICS, parameters=LYTICS.parameters | {"KEY": PlainValue("x")}),
            "unknown parameter KEY",
        ),
        (with_text("playbook.yaml", "version: 1.0.0\nglobal:\n  mapping: []\n"), r"playbook.yaml:3: global"),
        (with_text("playbook.yaml", "version: [\n"), r"playbook.yaml:\d"),
        (
            msgspec.structs.replace(
                with_text("playbook.yaml", "global: []\n"), overrides={"global": {"remove": ["x"]}}
            ),
            "global",
        ),
        (msgspec.structs.replace(LYTICS, overrides={"global": {"remove": ["x"]}}), "no rule for 'x'"),
        (
            msgspec.structs.replace(LYTICS, overrides={"global": {"mappings": [{"outputKey": "x", "a": 1}]}}),
            "with overrides",
        ),
        (with_text("playbook.json", "{}"), "both exist"),
        (with_text("delivery.yaml", "batch_size: 0\n"), r"delivery.yaml: .*batch_size"),
        (msgspec.structs.replace(LYTICS, texts={"playbook.yaml": "version: 1.0.0\n"}), "connection.yaml is missing"),
    ],
)
def test_what_cannot_run_is_refused_with_its_place(content, message):
    """File, line or name, and what is wrong."""
    with pytest.raises(ConfigurationError, match=message):
        kits.check(content)


def test_a_kit_says_how_it_is_delivered():
    """The file delivery.yaml counts; without one the defaults do."""
    assert kits.delivery_of(LYTICS).batch_size == 100
    texts = {name: text for name, text in LYTICS.texts.items() if name != "delivery.yaml"}
    assert kits.delivery_of(msgspec.structs.replace(LYTICS, texts=texts)).batch_size is None


def test_a_kit_is_read_from_a_folder(tmp_path):
    """Only its own files, in order; a folder without them is no kit."""
    (tmp_path / "kit").mkdir()
    for name, text in [*LYTICS.texts.items(), ("notes.txt", "ours")]:
        (tmp_path / "kit" / name).write_text(text)
    assert kits.read_folder(tmp_path / "kit") == ("kit", LYTICS.texts)
    with pytest.raises(ConfigurationError, match="is not a folder"):
        kits.read_folder(tmp_path / "none")


def test_a_name_may_be_of_the_library_or_not():
    """Files of an own kit may bear any name."""
    assert kits.find_library_texts("lytic") is None
    assert kits.find_library_texts("lytics") == LYTICS.texts


@pytest.mark.parametrize(
    "base_url",
    ["", "this-install", "https://a.example", "http://127.0.0.1:8480", "ftp://a", "https://a.example/x", "x"],
)
def test_a_base_url_is_an_origin(base_url):
    """A path would be silently dropped, so it is refused."""
    valid = base_url in ("", "this-install", "https://a.example", "http://127.0.0.1:8480")
    try:
        accepted = msgspec.convert({"base_url": base_url}, DeliverySettings).base_url == base_url
    except msgspec.ValidationError:
        accepted = False
    assert accepted == valid


def test_an_added_parameter_may_be_a_secret():
    """An override declares it as a kit would."""
    document = {"parameters": [{"name": "PIN", "isSensitive": True}, {"name": "REGION"}]}
    assert kits.declared_secrets(LYTICS.texts, document) == {"API_KEY", "PIN"}
