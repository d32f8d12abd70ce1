"""`headwater playbook`: check a kit, try it on events, print the schema of its files."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from rich.console import Console, Group
from rich.json import JSON
from rich.panel import Panel
from rich.table import Table

from headwater import jsontext
from headwater.cli.output import write_json_line
from headwater.errors import InputError
from headwater.playbooks import (
    SYSTEM_CLOCK,
    Clock,
    Kit,
    check_kit,
    compile_kit,
    example_values,
    load_kit,
    parameters_of,
    require_valid,
)
from headwater.playbooks.preview import Preview
from headwater.playbooks.reference import reference
from headwater.playbooks.schema import schemas

app = cyclopts.App(name="playbook", help="Check a playbook, try it on events, print the schema of its files.")

Flag = Annotated[bool, cyclopts.Parameter(negative=())]


@app.command
def check(folder: Path, *, json: Flag = False) -> None:
    """Say everything that is wrong with the kit in a folder, each with file, line and what to do.

    Parameters
    ----------
    folder
        Folder with playbook.yaml, connection.yaml and, if there is one, metadata.yaml (or .json).
    json
        Print one JSON object for each problem.
    """
    kit = load_kit(folder)
    problems = check_kit(kit)
    if json:
        for problem in problems:
            _write_line({name: getattr(problem, name) for name in problem.__struct_fields__})
    else:
        console = Console(soft_wrap=True)
        for problem in problems:
            label = "[bold red]error[/]  " if problem.fatal else "[yellow]finding[/]"
            console.print(f"{label} {problem.file}:{problem.line} [bold]{_plain(problem.path)}[/]", highlight=False)
            console.print(f"        {_plain(problem.message)}; {_plain(problem.remedy)}", highlight=False)
        fatal = sum(problem.fatal for problem in problems)
        console.print(f"{kit.name}: {fatal} errors, {len(problems) - fatal} findings", highlight=False)
    if any(problem.fatal for problem in problems):
        raise SystemExit(1)


@app.command
def schema(
    document: Annotated[str, cyclopts.Parameter(help="playbook, connection or metadata; all when absent")] = "",
) -> None:
    """Print the JSON Schema of a kit's files, for editors that complete and check while one types."""
    every = schemas()
    if document and document not in every:
        raise InputError(f"{document!r} is no document of a kit; use one of {', '.join(every)}", "document")
    _write_line(every[document] if document else every)


@app.command(name="reference")
def reference_page() -> None:
    """Print the reference of the language as Markdown."""
    write_json_line(reference().rstrip("\n").encode())


@app.command
def run(
    folder: Path,
    *,
    events: Annotated[Path, cyclopts.Parameter(allow_leading_hyphen=True)],
    param: Sequence[str] = (),
    example_params: Flag = False,
    now: str | None = None,
    uuid: str | None = None,
    access_token: str | None = None,
    batch: int = 1,
    json: Flag = False,
    trace: Flag = False,
    explain: str | None = None,
    update: Path | None = None,
    check: Path | None = None,
) -> None:
    """Show what each event would become. Nothing is sent and no token is fetched.

    Parameters
    ----------
    folder
        Folder of the kit.
    events
        File with one JSON event on each line; - reads standard input.
    param
        NAME=VALUE, the value of a parameter; repeat for more.
    example_params
        Take each parameter's example, or else its default, where no value is given.
    now
        Time (RFC 3339) at which the clock stands still.
    uuid
        Identifier that stands for every new one.
    access_token
        Token for OAuth 2 headers, in place of a real one.
    batch
        Greatest number of outputs in one request, as far as the connection allows.
    json
        Print one JSON object for each event.
    trace
        Also show which rule wrote each key.
    explain
        Show only what wrote this output key, for every event.
    update
        Write the JSON results to this file, to compare with later.
    check
        Compare with such a file; differences end with exit code 1.
    """
    kit = load_kit(folder)
    require_valid(kit)
    integration = compile_kit(kit, _values(kit, param, example_params=example_params), preview=True)
    preview = Preview(integration, _clock(now, uuid), access_token, batch)
    found = list(_events(events))
    results = preview.lines(found, trace=trace or explain is not None)
    if update is not None or check is not None:
        _compare(list(results), update, check)
    elif explain is not None:
        _explain(results, explain, json=json)
    elif json:
        for line in results:
            _write_line(line)
    else:
        _show(found, results)


def _values(kit: Kit, given: Sequence[str], *, example_params: bool) -> Mapping[str, str]:
    values = example_values(parameters_of(kit)) if example_params else {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"{text!r} has no '='; write NAME=VALUE", "--param")
        values[name] = value
    return values


def _clock(now: str | None, uuid: str | None) -> Clock:
    nanoseconds = SYSTEM_CLOCK.now_ns if now is None else _standing(now)
    return Clock(nanoseconds, SYSTEM_CLOCK.new_uuid if uuid is None else lambda: uuid)


def _standing(now: str) -> Any:
    try:
        moment = datetime.fromisoformat(now)
    except ValueError:
        raise InputError(f"{now!r} is no RFC 3339 time; write for example 2025-11-20T09:17:16Z", "--now") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    nanoseconds = round(moment.timestamp() * 1_000_000) * 1000
    return lambda: nanoseconds


def _events(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = sys.stdin.buffer.readlines() if str(path) == "-" else path.read_bytes().splitlines()
    except OSError as fault:
        raise InputError(f"{path} cannot be read: {fault.strerror}", "--events") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _event(line, f"{path}:{number}")


def _event(line: bytes, place: str) -> dict[str, Any]:
    try:
        event = jsontext.decode(line)
    except InputError as fault:
        raise InputError(f"{fault.message}; each line holds one event", place) from None
    if not isinstance(event, dict):
        raise InputError("is not a JSON object; each line holds one event", place)
    return event


def _write_line(value: Any) -> None:
    write_json_line(jsontext.encode(value), flush=True)


def _compare(results: list[dict[str, Any]], update: Path | None, check: Path | None) -> None:
    lines = [jsontext.encode(_sorted(line)).decode() + "\n" for line in results]
    if update is not None:
        update.write_text("".join(lines), "utf-8")
        Console(stderr=True).print(f"{len(lines)} results written to {update}")
    if check is None:
        return
    if not check.is_file():
        raise InputError(f"{check} is not a file; write it first with --update {check}", "--check")
    expected = check.read_text("utf-8").splitlines(keepends=True)
    difference = list(difflib.unified_diff(expected, lines, str(check), "now", n=0))
    sys.stdout.writelines(difference)
    if difference:
        raise SystemExit(1)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _explain(results: Iterator[dict[str, Any]], key: str, *, json: bool) -> None:
    console = Console(soft_wrap=True)
    for number, line in enumerate(results, 1):
        steps = [step for step in line["trace"] if step["key"] == key or step["key"].startswith(f"{key}.")]
        if json:
            _write_line({"event": number, "key": key, "steps": steps, "dropped": line["dropped"]})
            continue
        verdict = (
            f"dropped: {line['dropped']} ({line['dropped_by']})"
            if line["dropped"]
            else f"{len(steps)} {'rule' if len(steps) == 1 else 'rules'} wrote {key}"
        )
        console.print(f"[bold]event {number}[/] {_plain(verdict)}", highlight=False)
        for step in steps:
            console.print(
                f"  {_plain(step['where'])} → {_plain(jsontext.encode(step['value']).decode())}", highlight=False
            )


def _show(events: Sequence[dict[str, Any]], results: Iterator[dict[str, Any]]) -> None:
    console = Console()
    for number, (event, line) in enumerate(zip(events, results, strict=True), 1):
        console.rule(f"event {number}")
        right = [Panel(_request(request), title="request") for request in line["requests"]]
        if line["dropped"]:
            rule = f" ({line['dropped_by']})" if "dropped_by" in line else ""
            right.append(Panel(_plain(line["dropped"] + rule), title="dropped, nothing is sent", border_style="yellow"))
        side_by_side = Table.grid(expand=True)
        side_by_side.add_column(ratio=1, overflow="fold")
        side_by_side.add_column(ratio=1, overflow="fold")
        side_by_side.add_row(Panel(_json(event), title="event"), Group(*right))
        console.print(side_by_side)
        for error in line["errors"]:
            console.print(f"[bold red]failed[/] {_plain(_place(error))}: {_plain(error['message'])}", highlight=False)
        if line.get("trace"):
            console.print(_trace_table(line["trace"]))


def _place(error: Mapping[str, Any]) -> str:
    """Where an evaluation failed: with a trace also in which kit, and which key has no value because of it."""
    if "kit" not in error:
        return str(error["where"])
    return f"{error['kit']} {error['where']}" + (f" → {error['key']}" if error["key"] else "")


def _json(value: Any) -> JSON:
    return JSON(jsontext.encode(value).decode())


def _request(request: Mapping[str, Any]) -> Any:
    if "kind" in request:
        return _json(request["output"])
    grid = Table.grid(padding=(0, 1))
    grid.add_row(f"[bold]{request['method']}[/] {_plain(request['url'])}")
    for name, value in request["headers"].items():
        grid.add_row(f"[dim]{_plain(name)}: {_plain(value)}[/]")
    if request["body"] is not None:
        grid.add_row(_json(request["body"]) if not isinstance(request["body"], str) else _plain(request["body"]))
    return grid


def _trace_table(steps: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("rule", "key", "value")
    for step in steps:
        table.add_row(_plain(step["where"]), _plain(step["key"]), _plain(jsontext.encode(step["value"]).decode()))
    return table


def _plain(text: str) -> str:
    """Text in which nothing is taken for markup."""
    return text.replace("[", r"\[")
