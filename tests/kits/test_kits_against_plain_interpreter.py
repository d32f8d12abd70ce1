"""Every published kit gives the same requests as in an interpreter that was written apart from ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit_comparison import comparable, differences, without_chance
from kit_events import odd_events, ordinary_events
from kit_table import KITS, kit_folders
from varied_events import varied_events

pytestmark = pytest.mark.skipif(not KITS.is_dir(), reason="kits are not installed: run `npm ci` in tests/kits")
FOLDERS = kit_folders() if KITS.is_dir() else []


def _assert_same(folder: Path, place: Path, rounds: int, text_share: float) -> None:
    events = [*ordinary_events(), *odd_events(), *varied_events(folder, rounds, text_share)]
    first = next(differences(without_chance(folder, place), events), None)
    if first is not None:
        assert comparable(first.ours) == comparable(first.plain), first.event


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_kit_gives_the_same_requests(folder: Path, tmp_path: Path) -> None:
    """For ordinary and odd events, and for two made for each of its names, unknown names and types."""
    _assert_same(folder, tmp_path, 2, 0.8)


@pytest.mark.slow
@pytest.mark.parametrize("text_share", [0.85, 0.4])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_kit_gives_the_same_requests_at_length(folder: Path, text_share: float, tmp_path: Path) -> None:
    """The same with thirty events for each name, once mostly texts, once values of every kind."""
    _assert_same(folder, tmp_path, 30, text_share)
