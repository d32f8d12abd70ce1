"""Settings come from a file and the environment, and a typo is never silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater import settings
from headwater.errors import SettingsError


def _environment(tmp_path: Path, text: str = "", **variables: str) -> dict[str, str]:
    (tmp_path / "headwater.toml").write_text(text)
    return {"HEADWATER_DATA_FOLDER": str(tmp_path), **variables}


def test_the_environment_beats_the_file_and_the_file_the_default(tmp_path: Path) -> None:
    """Each value says where it comes from."""
    environment = _environment(tmp_path, "[collect]\nport = 1\nhost = 'h'\n", HEADWATER_COLLECT_PORT="2")
    loaded, sources = settings.load_with_sources(environment)
    assert (loaded.collect.port, loaded.collect.host, loaded.console.port) == (2, "h", settings.ConsoleSettings().port)
    shown = {found.name: found.source for found in sources}
    assert shown["collect.port"] == "environment HEADWATER_COLLECT_PORT"
    assert shown["collect.host"] == str(tmp_path / "headwater.toml")
    assert shown["console.port"] == "default"


@pytest.mark.parametrize("text", ["prot = 1", "[collect]\nprot = 1", "[colect]\nport = 1"])
def test_an_unknown_key_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """A typo must not leave a default in force."""
    with pytest.raises(SettingsError, match="unknown setting"):
        settings.load(_environment(tmp_path, text))


def test_a_value_of_the_wrong_kind_names_its_variable(tmp_path: Path) -> None:
    """The operator sees which variable to correct."""
    with pytest.raises(SettingsError, match="HEADWATER_COLLECT_PORT"):
        settings.load(_environment(tmp_path, HEADWATER_COLLECT_PORT="http"))


def test_urls_with_passwords_are_not_shown(tmp_path: Path) -> None:
    """`headwater settings` says that it is set, not what it is."""
    _, sources = settings.load_with_sources(_environment(tmp_path, HEADWATER_DATABASE_URL="postgresql://u:pw@h/d"))
    assert all("pw" not in found.value for found in sources)


def test_lists_are_written_with_commas(tmp_path: Path) -> None:
    """In the environment; blanks around them do not count."""
    loaded = settings.load(_environment(tmp_path, HEADWATER_ROUTE_ALLOWED_HOSTS="a, b:1 ,"))
    assert loaded.route.allowed_hosts == ("a", "b:1")


def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    """And the line."""
    with pytest.raises(SettingsError, match=r"headwater\.toml.*line 1"):
        settings.load(_environment(tmp_path, "port = = 1"))


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HEADWATER_COLLECT_PORT", "70000", "65535"),
        ("HEADWATER_LOG_REPLICAS", "2", "one of 1, 3"),
        ("HEADWATER_LOG_RETENTION_DAYS", "-1", "> 0"),
        ("HEADWATER_OPERATIONS_LOG_FORMAT", "xml", "one of text, json"),
    ],
)
def test_a_value_that_cannot_work_is_refused_before_anything_starts(
    tmp_path: Path, variable: str, value: str, said: str
) -> None:
    """The message names the variable and what it may be."""
    with pytest.raises(SettingsError, match=f"{variable}.*{said}"):
        settings.load(_environment(tmp_path, **{variable: value}))
