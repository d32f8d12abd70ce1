"""Documents: both notations, positions, and what is refused."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError
from headwater.playbooks import kit_from_texts, load_kit
from headwater.playbooks.documents import read_document

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(json_values.filter(lambda value: value is not None))
def test_json_reads_what_any_decoder_reads(value: object) -> None:
    """The position-keeping JSON reader gives the same values as orjson."""
    assert read_document(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(), "x.json").value == value


def test_lines_of_json_and_yaml_nodes() -> None:
    """A node's line is where its key stands, counted from 1, in both notations."""
    assert read_document('{\n "a": {\n  "b": [1,\n   2]}}', "x.json").line(("a", "b", 1)) == 4
    assert read_document("a:\n  b:\n    - 1\n    - 2\n", "x.yaml").line(("a", "b", 1)) == 4


def test_line_of_an_absent_node_is_its_parents() -> None:
    """Problems about what is missing point at the nearest node that exists."""
    assert read_document("a: 1\nb:\n  c: 2\n", "x.yaml").line(("b", "d", 0)) == 2


@pytest.mark.parametrize("word", ["no", "yes", "on", "2024-01-01", "1_000", "0x1F", "012", "1:30", ".5"])
def test_yaml_words_stay_text(word: str) -> None:
    """Only JSON's own words and numbers have a type; a country code `no` or a date stays text."""
    assert read_document(f"a: {word}", "x.yaml").value == {"a": word}


def test_yaml_scalars_with_a_type() -> None:
    """true, false, null and JSON numbers are values; the same in quotes is text."""
    assert read_document("[true, null, -1, 1.5, '1', 'true']", "x.yaml").value == [True, None, -1, 1.5, "1", "true"]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("x.json", '{"a": 1,\n"a": 2}', "x.json:2: the key 'a' is written twice"),
        ("x.yaml", "a: 1\nb: 2\na: 3\n", "x.yaml:3: the key 'a' is written twice"),
        ("x.json", '{"a": 1\n', "x.json:2: not valid JSON: expected ','"),
        ("x.json", '{"a": tru}', "x.json:1: not valid JSON: expected a value"),
        ("x.json", "{} x", "x.json:1: not valid JSON: text after the end"),
        ("x.yaml", "a: [1\n", "not valid YAML"),
        ("x.yaml", "? [a]\n: 1\n", "x.yaml:1: a key must be text"),
    ],
)
def test_bad_text_names_file_and_line(file: str, text: str, said: str) -> None:
    """What cannot be read is refused with the place and the cause."""
    with pytest.raises(ConfigurationError) as caught:
        read_document(text, file)
    assert said in str(caught.value)


def test_aliases_cannot_unfold_without_end() -> None:
    """Aliases of aliases stop at the limit of nodes instead of filling the memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    with pytest.raises(ConfigurationError, match="more than 100000 nodes"):
        read_document("\n".join(lines), "x.yaml")


def test_a_kit_is_read_from_a_folder_in_any_notation(tmp_path: Path) -> None:
    """Each file may be .yaml, .yml or .json; metadata may be absent."""
    (tmp_path / "playbook.json").write_text('{"version": "1.2.3"}')
    (tmp_path / "connection.yml").write_text("stdout: {}\n")
    kit = load_kit(tmp_path)
    assert (kit.version, kit.connection.value, kit.metadata.value) == ("1.2.3", {"stdout": {}}, {})


def test_a_folder_must_hold_one_of_each(tmp_path: Path) -> None:
    """A missing file is asked for by name, two of one kind are refused."""
    with pytest.raises(ConfigurationError, match=r"playbook\.yaml is missing"):
        load_kit(tmp_path)
    (tmp_path / "playbook.json").write_text("{}")
    (tmp_path / "playbook.yaml").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"playbook\.yaml and playbook\.json both exist"):
        load_kit(tmp_path)


def test_a_kit_is_read_from_stored_texts() -> None:
    """A deployed revision keeps texts; they make the same kit as a folder."""
    kit = kit_from_texts("lytics", '{"version": "1.0.0"}', '{"stdout": {}}', notation="json")
    assert (kit.name, kit.version, kit.metadata.value) == ("lytics", "1.0.0", {})
