"""Profiles that tests change, in a real database, with audiences in the builder's transaction."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# Generators of filters, and a generation of profiles to build in, are those of the rooms below.
sys.path += [str(TESTS / "expressions"), str(TESTS / "profiles")]

from people import People  # noqa: E402  # needs the path above


@pytest.fixture
async def people(database_url):
    """An empty, live generation with an observer, and audiences to make."""
    opened = await People.open(database_url)
    yield opened
    await opened.close()
