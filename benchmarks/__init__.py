"""Benchmarks: each figure beside its floor, measured in the same run. `python -m benchmarks` writes docs/benchmarks.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # a running install is started in the same way by tests and benchmarks
