"""A configuration as files."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import ConfigurationError
from headwater.pipelines.declaration import (
    Declaration,
    DeclaredContent,
    DeclaredIntegration,
    DeclaredPipeline,
    DeclaredUse,
)
from headwater.pipelines.folder import folder_files, read_folder, write_folder
from headwater.pipelines.objects import DeliverySettings

LIBRARY_TEXTS = {"playbook.yaml": "version: 1.0.0\n", "connection.yaml": "default: {}\n"}
CONTENT = DeclaredContent(kit="hook", texts=LIBRARY_TEXTS, parameters={"URL": "https://a.example"})


def library(name: str):
    """A library of one kit."""
    return LIBRARY_TEXTS if name == "hook" else None


names = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,4})?", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e9, 1e9) | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3),
    max_leaves=6,
)
contents = st.builds(
    DeclaredContent,
    kit=st.sampled_from(["hook", "own"]),
    texts=st.just(LIBRARY_TEXTS)
    | st.dictionaries(st.sampled_from(["playbook.yaml", "connection.json", "metadata.yml"]), texts, min_size=1),
    parameters=st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True), texts, max_size=3),
    overrides=st.dictionaries(texts, values, max_size=2),
    delivery=st.builds(
        DeliverySettings,
        base_url=st.sampled_from(["", "this-install", "https://a.example"]),
        batch_size=st.none() | st.integers(1, 1000),
        order_per_user=st.none() | st.booleans(),
    ),
)


@st.composite
def declarations(draw) -> Declaration:
    """Any configuration: integrations with held contents, pipelines that use some of them."""
    integrations = {}
    for slug in draw(st.sets(names, max_size=2)):
        held = {content.digest: content for content in draw(st.lists(contents, max_size=1))}
        integrations[slug] = DeclaredIntegration(slug, draw(texts.filter(bool)), draw(contents), held)
    pipelines = {}
    for slug in draw(st.sets(names, max_size=2)):
        used = draw(st.sets(st.sampled_from(sorted(integrations)))) if integrations else set()
        uses = [
            DeclaredUse(
                name,
                draw(st.booleans()),
                draw(st.sampled_from(["", *integrations[name].held])),
                draw(st.none() | st.sets(names, max_size=2).map(sorted).map(tuple)),
            )
            for name in sorted(used)
        ]
        pipelines[slug] = DeclaredPipeline(
            slug,
            draw(texts),
            enabled=draw(st.booleans()),
            allowed_origins=tuple(draw(st.lists(texts, max_size=2))),
            partial_batch_status=draw(st.sampled_from([200, 207])),
            tag=draw(st.sampled_from([{}, {"capture": {"scroll": True}, "domains": ["a.example"]}])),
            write_keys=tuple(sorted(draw(st.sets(names)))),
            integrations=tuple(uses),
        )
    return Declaration(pipelines, integrations)


@settings(max_examples=60)
@given(declarations())
def test_what_was_written_is_read_back(declaration):
    """Reading is the inverse of writing for every configuration, and writing again gives the same files."""
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), declaration, library)
        read = read_folder(Path(folder), library)
        assert read == declaration
        files = {str(p.relative_to(folder)): p.read_bytes().decode() for p in Path(folder).rglob("*") if p.is_file()}
        assert files == dict(folder_files(read, library))


def one(**changes) -> Declaration:
    """A pipeline that uses an integration."""
    pipeline = DeclaredPipeline("web", "Web", write_keys=("wk_1",), integrations=(DeclaredUse("hook"),))
    return Declaration({"web": pipeline}, {"hook": DeclaredIntegration("hook", "Hook", CONTENT, **changes)})


def test_files_are_short_where_nothing_is_unusual(tmp_path):
    """Defaults and the library's own kit files are not repeated."""
    write_folder(tmp_path, one(), library)
    assert (
        tmp_path / "pipelines/web.yaml"
    ).read_text() == "name: Web\nwrite_keys:\n- wk_1\nintegrations:\n- integration: hook\n"
    assert [path.name for path in (tmp_path / "integrations/hook").iterdir()] == ["integration.yaml"]


def test_what_is_gone_leaves_no_file(tmp_path):
    """Writing over an older export removes what belongs to nothing, and nothing that people keep beside it."""
    (tmp_path / "README.md").write_text("ours")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "old.yaml").write_text("name: Old\n")
    write_folder(tmp_path, one(), library)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [
        "README.md",
        "integrations/hook/integration.yaml",
        "pipelines/web.yaml",
    ]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("pipelines/web.yaml", "name: Web\nenable: true\n", "pipelines/web.yaml: .*enable"),
        ("pipelines/web.yaml", "name: [\n", r"pipelines/web.yaml:\d+: not valid YAML"),
        ("pipelines/web.yaml", "name: a\nname: b\n", "pipelines/web.yaml:2: .*written twice"),
        ("pipelines/web.yaml", "name: W\nintegrations:\n- integration: no\n", "no folder integrations/no"),
        ("pipelines/web.yaml", "name: W\nintegrations:\n- integration: hook\n  held: abc\n", "held/abc"),
        ("pipelines/web.yaml", "name: W\nintegrations:\n- integration: hook\n- integration: hook\n", "listed twice"),
        (
            "pipelines/web.yaml",
            "name: W\ntag:\n  capture:\n    scrol: true\n",
            "pipelines/web.yaml: tag.capture: .*scrol",
        ),
        ("pipelines/Web Shop.yaml", "name: W\n", "is no slug"),
        ("integrations/hook/integration.yaml", "kit: hook\nparameters:\n  A: 1\n", "integration.yaml: .*in quotes"),
        ("integrations/hook/integration.yaml", "kit: unknown\n", "the library has no kit 'unknown'"),
        ("integrations/empty/notes.txt", "", "integrations/empty/integration.yaml: the file is missing"),
    ],
)
def test_a_mistake_is_named_with_its_file(tmp_path, file, text, message):
    """The message says which file, and where it can say so which line or key."""
    write_folder(tmp_path, one(), library)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_folder(tmp_path, library)


def test_a_held_content_cannot_be_edited(tmp_path):
    """It stands for what a pipeline delivers; a change belongs into the integration's own file."""
    older = DeclaredContent(kit="hook", texts=LIBRARY_TEXTS)
    write_folder(tmp_path, one(held={older.digest: older}), library)
    path = tmp_path / "integrations/hook/held" / older.digest / "playbook.yaml"
    path.write_text("version: 2.0.0\n")
    with pytest.raises(ConfigurationError, match=f"held/{re.escape(older.digest)}: the content is not the one"):
        read_folder(tmp_path, library)


def test_written_out_defaults_are_no_difference(tmp_path):
    """A person may write what is the default; it is read as if it were not there."""
    write_folder(tmp_path, one(), library)
    path = tmp_path / "pipelines/web.yaml"
    path.write_text(path.read_text() + "enabled: true\ntag:\n  capture:\n    scroll: false\n")
    assert read_folder(tmp_path, library) == one()
