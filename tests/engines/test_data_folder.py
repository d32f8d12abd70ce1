"""The data folder belongs to one install at a time, and to no older version than the one that wrote it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from headwater.engines.data_folder import FORMAT, open_folder
from headwater.errors import ConfigurationError
from headwater.settings import Settings


def test_a_folder_that_a_newer_version_wrote_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The message names both formats and the version that wrote it; the mark is not overwritten."""
    mark = tmp_path / "FORMAT.json"
    mark.write_text(f'{{"format": {FORMAT + 1}, "written_by": "9.9.9"}}')
    with pytest.raises(ConfigurationError, match=r"9\.9\.9.*install the newer version"):
        open_folder(Settings(data_folder=str(tmp_path)))
    assert "9.9.9" in mark.read_text()


def test_two_installs_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second one learns the process of the first; after that one has ended the folder is free."""
    settings = Settings(data_folder=str(tmp_path))
    first = open_folder(settings)
    with pytest.raises(ConfigurationError, match="already runs"):
        open_folder(settings)
    first.close()
    open_folder(settings).close()


def test_secrets_are_closed_to_others(tmp_path: Path) -> None:
    """The folder of generated passwords is entered by its owner only."""
    open_folder(Settings(data_folder=str(tmp_path))).close()
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named_with_its_setting(tmp_path: Path) -> None:
    """A file in its place ends the start with the cause and the variable to change."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigurationError, match=r"data_folder: .*taken.*HEADWATER_DATA_FOLDER"):
        open_folder(Settings(data_folder=str(tmp_path / "taken")))
