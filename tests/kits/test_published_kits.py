"""All published kits load and run. The kits are installed with `npm ci` in tests/kits; without them the tests are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit_table import KITS, TABLE, kit_folders, run_kit, table

from headwater.playbooks import check_kit, load_kit

pytestmark = pytest.mark.skipif(not KITS.is_dir(), reason="kits are not installed: run `npm ci` in tests/kits")
FOLDERS = kit_folders() if KITS.is_dir() else []


def test_all_kits_are_there() -> None:
    """The package has 124 kits."""
    assert len(FOLDERS) == 124


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_kit_runs(folder: Path) -> None:
    """It has no fatal problem, and no event, however odd, stops the engine."""
    assert [problem for problem in check_kit(load_kit(folder)) if problem.fatal] == []
    row = run_kit(folder)
    assert row.sent + row.dropped > 0


def test_the_table_is_up_to_date() -> None:
    """docs/playbooks/kits.md is what running the kits gives; `python tests/kits/kit_table.py` writes it."""
    assert TABLE.read_text("utf-8") == table()
