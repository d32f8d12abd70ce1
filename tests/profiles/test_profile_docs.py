"""The pages about schema and identity say what the code does."""

import re
from pathlib import Path
from typing import get_args

import pytest

from headwater.profiles.components import Rule
from headwater.profiles.identifiers import FORMS
from headwater.profiles.identity_rules import DEGREE_LIMIT, PROFILE_LIMIT, TypeRule
from headwater.profiles.kinds import KINDS
from headwater.profiles.merging import COLLECTION_LIMIT, OPERATORS
from headwater.profiles.schema import Assertions, Field, IdentifierSettings
from headwater.profiles.schema_check import check_schema
from headwater.profiles.schema_file import default_schema, read_schema
from headwater.profiles.text_assertions import FORMATS

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA_PAGE = (DOCS / "schema.md").read_text("utf-8")
IDENTITY_PAGE = (DOCS / "identity.md").read_text("utf-8")


def first_cells(page, heading):
    """The names in code marks in the first column of the table below a heading."""
    section = page.split(heading, 1)[1].split("\n#", 1)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in rows for name in re.findall(r"`([^`]+)`", cell)}


def test_every_kind_operator_and_attribute_is_told():
    """Nothing that a schema may say is missing on its page, and nothing is told that it may not say."""
    assert first_cells(SCHEMA_PAGE, "### Kinds") == set(KINDS)
    assert first_cells(SCHEMA_PAGE, "### Merge operators") == set(OPERATORS)
    assert first_cells(SCHEMA_PAGE, "## Fields") == set(Field.__struct_fields__) - {"id"}
    for name in (*FORMATS, *Assertions.__struct_fields__):
        assert f"`{name}`" in SCHEMA_PAGE


def test_every_setting_and_rule_of_identity_is_told():
    """Each setting of a type and each reason of a conflict."""
    settings = IDENTITY_PAGE.split("| setting of a type", 1)[1].split("\n\n", 1)[0]
    assert first_cells(f"x{settings}", "x") == set(IdentifierSettings.__struct_fields__)
    assert set(IdentifierSettings.__struct_fields__) == set(TypeRule.__struct_fields__) - {"rank"}
    assert first_cells(IDENTITY_PAGE, "## Conflicts") == set(get_args(Rule))
    assert all(f"`{form}`" in IDENTITY_PAGE for form in FORMS)


def test_the_default_ranks_are_those_of_the_page():
    """In order, with their limits."""
    table = IDENTITY_PAGE.split("| rank | type | rules |", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", table, re.MULTILINE)
    schema = default_schema()
    assert tuple(name for _, name, _ in rows) == schema.ranks
    for _, name, text in rows:
        rule = schema.identity_rules.types[name]
        if rule.limit and not text.startswith("as"):
            assert f"{rule.limit} new ones in {rule.window_days} days" in text
            assert f"more than {rule.alarm} people" in text
        assert ("shared: nobody" in text) == (rule.shared == "nobody") or text.startswith("as")


def test_the_figures_of_the_pages_are_those_of_the_code():
    """Limits are told as they are."""
    assert f"at most {PROFILE_LIMIT} identifiers" in IDENTITY_PAGE
    assert f"more than {DEGREE_LIMIT:,} links" in IDENTITY_PAGE
    assert f"0 = {COLLECTION_LIMIT:,}" in SCHEMA_PAGE


@pytest.mark.parametrize("page", [SCHEMA_PAGE])
def test_the_example_of_the_page_is_a_sound_schema(page):
    """Copying it works."""
    (example,) = re.findall(r"```yaml\n(.+?)```", page, re.DOTALL)
    assert [each for each in check_schema(read_schema(example)) if each.severity == "error"] == []
