"""The generators of filters and profiles are those of the expression language."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "expressions"))
