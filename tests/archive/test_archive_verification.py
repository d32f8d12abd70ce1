"""`verify` finds what is wrong, and only that; exports have what the log had."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from archive_bench import BOTH_STORES, Bench, event, stream_record

from headwater.archive import analysis, manifest
from headwater.archive.manifest import Selection
from headwater.archive.stores import Store, open_store
from headwater.archive.verification import Report, verify
from headwater.errors import ConfigurationError, InputError
from headwater.settings import ArchiveSettings, Settings


async def archived(bench: Bench) -> None:
    await bench.append([event(1), stream_record(2), event(3)])
    await bench.archive(3)
    await bench.append([event(4)])
    await bench.archive(4)


async def problems(bench: Bench) -> list[tuple[str, str]]:
    report = await verify(bench.pool, bench.store)
    return [(problem.kind, problem.place) for problem in report.problems]


@BOTH_STORES
async def test_a_whole_archive_has_no_problem(bench: Bench) -> None:
    """Position, rows and bytes are those of the manifest."""
    await archived(bench)
    read: list[int] = []
    report = await verify(bench.pool, bench.store, read.append)
    files = await bench.files()
    size = sum(file.content.bytes for file in files)
    assert report == Report(position=4, files=3, rows=4, bytes=size, forgotten=0, problems=(), gaps=(), stray=())
    assert sum(read) == size


@BOTH_STORES
async def test_a_changed_byte_is_found(bench: Bench, tmp_path: Path) -> None:
    """One flipped bit anywhere in a file changes its checksum."""
    await archived(bench)
    file = (await bench.files())[0]
    with bench.store.local(file.path) as path:
        damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 3] ^= 1
    put(bench.store, bytes(damaged), file.path, tmp_path)
    assert ("changed file", file.path) in await problems(bench)


@BOTH_STORES
async def test_a_missing_file_is_found_with_its_records(bench: Bench) -> None:
    """The file is named, and the sequences that nobody has any more."""
    await archived(bench)
    (file,) = [file for file in await bench.files() if file.place.kind == "stream"]
    bench.store.delete(file.path)
    assert await problems(bench) == [("missing file", file.path), ("hole", "2-2")]


@BOTH_STORES
async def test_holes_repeats_and_what_lies_beyond_are_found(bench: Bench) -> None:
    """A manifest that does not add up is told as it is."""
    await archived(bench)
    first, second, *_ = await bench.files()
    async with bench.pool.acquire() as connection:
        await connection.execute("UPDATE archive_position SET sequence = 3")
        assert await problems(bench) == [("beyond", "4-")]
        await connection.execute("UPDATE archive_position SET sequence = 6")
        assert await problems(bench) == [("hole", "5-6")]
        await manifest.add_gaps(connection, [manifest.Gap(5, 6, "deleted")])
        assert await problems(bench) == []
    with bench.store.local(first.path) as path:
        copy = path.read_bytes()
    put(bench.store, copy, "copy.parquet", bench.store.staging)
    async with bench.pool.acquire() as connection:
        await manifest.announce(connection, ["copy.parquet"])
        await manifest.add_files(connection, [type(first)("copy.parquet", second.place, first.content)])
    assert await problems(bench) == [("repeat", "1-1"), ("repeat", "3-3")]


@BOTH_STORES
async def test_files_that_nobody_knows_are_named(bench: Bench, tmp_path: Path) -> None:
    """They are no problem, and may be deleted."""
    await archived(bench)
    put(bench.store, b"", "2026-11-23/odd.parquet", tmp_path)
    report = await verify(bench.pool, bench.store)
    assert (report.problems, report.stray) == ((), ("2026-11-23/odd.parquet",))


def put(store: Store, content: bytes, name: str, folder: Path) -> None:
    """Put a file of this content into the store."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / "staged.parquet"
    staged.write_bytes(content)
    store.put(staged, name)


@BOTH_STORES
async def test_records_are_read_from_either_store(bench: Bench) -> None:
    """Ranges of files give the same records as whole ones."""
    await archived(bench)
    assert [record.payload for record in await bench.read()] == await bench.log_payloads(1, 4)
    assert set(await bench.reader.fetch([2, 4])) == {2, 4}


@BOTH_STORES
async def test_sql_sees_what_is_selected(bench: Bench, tmp_path: Path) -> None:
    """The view has the chosen records only, with texts for data, and answers go into files."""
    await archived(bench)
    with analysis.database(bench.store, await bench.files(), Selection(sources=("shop",), after=1), "track") as opened:
        assert opened.execute("SELECT sequence, data ->> '$.userId' FROM archive ORDER BY 1").fetchall() == [
            (3, "u3"),
            (4, "u4"),
        ]
        assert analysis.write(opened, "SELECT count(*) AS n FROM archive", tmp_path / "n.csv", "csv") == 1
        with pytest.raises(InputError, match="--sql"):
            analysis.write(opened, "SELECT nothing FROM archive", tmp_path / "n.csv", "csv")
    assert (tmp_path / "n.csv").read_text() == "n\n2\n"


async def test_an_empty_selection_is_an_empty_view(bench: Bench) -> None:
    """Nothing selected is no error."""
    with analysis.database(bench.store, [], Selection()) as opened:
        assert opened.execute("SELECT count(*) FROM archive").fetchall() == [(0,)]


async def test_any_tool_reads_the_files(bench: Bench, tmp_path: Path) -> None:
    """Folders and columns need no knowledge of ours."""
    await archived(bench)
    found = duckdb.read_parquet(f"{tmp_path}/archive/*/*/*/*.parquet").aggregate("count(*), min(type)")
    assert found.fetchall() == [(4, "track")]


@pytest.mark.parametrize("url", ["ftp://host/path", "bucket/prefix", "memory:///", "s3:/"])
def test_an_address_that_is_none_names_its_setting(url: str, tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(ConfigurationError, match=r"archive\.url"):
        open_store(Settings(data_folder=str(tmp_path), archive=ArchiveSettings(url=url)))
