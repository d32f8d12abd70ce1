"""`headwater playbook`: run, check, schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

PLAYBOOK = """
version: 1.0.0
params: [{name: GREETING, exampleValue: hi}]
global:
  enrichments: [{outputKey: greeting, staticString: $$GREETING$$}, {outputKey: at, timestamp: seconds}, {outputKey: id, uuid: v4}]
  mappings:
    - {inputKey: traits.email, outputKey: user.email}
    - {inputKey: input, outputKey: bad, transforms: [{expression: {lang: lua, body: "return input.n + 1"}}]}
eventSpecific: {page: {}}
default: {filters: [{byEventNames: {action: allow, events: ['']}}]}
"""
CONNECTION = """
default:
  endpoint: https://v.example/in
  method: POST
  batchSize: 2
  oauth2Auth: {request: {url: 'https://v.example/token', method: POST}, responseAccessTokenKey: access_token}
"""
EVENTS = [
    {"type": "page", "n": 1, "context": {"traits": {"email": "a@b.example"}}},
    {"type": "screen"},
    {"type": "page"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "playbook.yaml").write_text(PLAYBOOK)
    (tmp_path / "connection.yaml").write_text(CONNECTION)
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(orjson.dumps(event) for event in EVENTS))
    return tmp_path


def headwater(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from headwater.cli import main; main()", "playbook", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    fixed = ("--example-params", "--now", "2025-11-20T09:17:16Z", "--uuid", "u-1", "--access-token", "t-1")
    return headwater("run", folder, "--events", folder / "events.jsonl", *fixed, *arguments)


def lines(finished: subprocess.CompletedProcess[str]) -> list[Any]:
    assert finished.returncode == 0, finished.stderr
    return [orjson.loads(line) for line in finished.stdout.splitlines()]


def request(*bodies: dict[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer t-1"}
    return {"method": "POST", "url": "https://v.example/in", "headers": headers, "body": list(bodies)}


FIRST = {"greeting": "hi", "at": 1763630236, "id": "u-1", "user": {"email": "a@b.example"}, "bad": 2}
THIRD = {"greeting": "hi", "at": 1763630236, "id": "u-1"}
ERROR = {
    "where": "global.mappings[1].transforms[0]",
    "message": "line:1: attempt to perform arithmetic on field 'n' (a nil value)",
}


def test_one_json_line_for_each_event(folder: Path) -> None:
    """Requests, drops and errors of each event, with time, identifiers and token as asked for."""
    assert lines(run(folder, "--json")) == [
        {"requests": [request(FIRST)], "dropped": None, "errors": []},
        {"requests": [], "dropped": "playbook filter", "errors": []},
        {"requests": [request(THIRD)], "dropped": None, "errors": [ERROR]},
    ]


def test_a_parameter_on_the_command_line_wins(folder: Path) -> None:
    """--param takes the place of the example."""
    (first, *_) = lines(run(folder, "--json", "--param", "GREETING=a=b"))
    assert first["requests"][0]["body"][0]["greeting"] == "a=b"


def test_batches_stand_with_their_last_event(folder: Path) -> None:
    """--batch gathers outputs up to the connection's own size."""
    first, _, third = lines(run(folder, "--json", "--batch", "10"))
    assert first["requests"] == []
    assert third["requests"] == [request(FIRST, THIRD)]


def test_a_failed_expression_is_found_by_kit_section_and_key(folder: Path) -> None:
    """The trace of an event says which kit, which rule, which output key went without a value, and what Lua said."""
    (error,) = lines(run(folder, "--json", "--trace"))[2]["errors"]
    assert (error["kit"], error["where"], error["key"]) == (folder.name, "global.mappings[1].transforms[0]", "bad")
    assert "arithmetic on field 'n'" in error["message"]
    readable = " ".join(run(folder, "--trace").stdout.split())
    assert f"failed {folder.name} global.mappings[1].transforms[0] → bad:" in readable


def test_trace_and_explain(folder: Path) -> None:
    """Which rule wrote what, for all keys or for one."""
    first, second, _ = lines(run(folder, "--json", "--trace"))
    assert {"where": "global.mappings[0]", "key": "user.email", "value": "a@b.example"} in first["trace"]
    assert second["dropped_by"] == "default.filters[0]"
    explained = run(folder, "--explain", "user").stdout.splitlines()
    assert explained[:2] == ["event 1 1 rule wrote user", '  global.mappings[0] → "a@b.example"']
    assert explained[2] == "event 2 dropped: playbook filter (default.filters[0])"


def test_events_come_from_standard_input_too(folder: Path) -> None:
    """A dash stands for it, and a line that is no event is named by its number."""
    command = [sys.executable, "-c", "from headwater.cli import main; main()", "playbook", "run", str(folder)]
    piped = subprocess.run(
        [*command, "--events", "-", "--example-params", "--json"],
        input='{"type": "screen"}\n[]\n',
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.returncode != 0
    assert "-:2: is not a JSON object" in piped.stderr
    (folder / "events.jsonl").write_text('{"type": "screen"}\nno json\n')
    assert "events.jsonl:2: not valid JSON" in run(folder).stderr


def test_results_can_be_kept_and_compared(folder: Path) -> None:
    """--update writes results, --check finds what has changed since."""
    kept = folder / "results.jsonl"
    assert run(folder, "--update", kept).returncode == 0
    assert run(folder, "--check", kept).returncode == 0
    (folder / "playbook.yaml").write_text(PLAYBOOK.replace("user.email", "user.mail"))
    changed = run(folder, "--check", kept)
    assert changed.returncode == 1
    assert '"user":{"mail":"a@b.example"}' in changed.stdout


def test_a_readable_view(folder: Path) -> None:
    """Event and request side by side, with drops and failures."""
    shown = run(folder).stdout
    for text in ("event 1", "https://v.example/in", "dropped", "playbook filter", "attempt to perform arithmetic"):
        assert text in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--param", "GREETING"), "--param: 'GREETING' has no '='"),
        (("--param", "X=1"), "unknown parameter X"),
        (("--now", "yesterday"), "--now: 'yesterday' is no RFC 3339 time"),
        (("--check", "nowhere.jsonl"), "--check: nowhere.jsonl is not a file"),
    ],
)
def test_bad_arguments_are_named(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    """A mistake ends with its name and exit code 1."""
    finished = headwater("run", folder, "--events", folder / "events.jsonl", "--example-params", *arguments)
    assert (finished.returncode, said in finished.stderr) == (1, True), finished.stderr


def test_a_missing_parameter_is_asked_for(folder: Path) -> None:
    """Without examples the missing name stands in the error."""
    finished = headwater("run", folder, "--events", folder / "events.jsonl", "--json")
    assert (finished.returncode, "no value for GREETING" in finished.stderr) == (1, True)


def test_a_transform_that_fails_is_an_error_of_the_event(folder: Path) -> None:
    """The line has no request and says why."""
    (folder / "connection.yaml").write_text(
        "default: {endpoint: 'https://v.example/', method: POST, transform: {lang: lua, body: 'return batch[1].x.y.z .. 1'}}"
    )
    first, *_ = lines(run(folder, "--json"))
    assert first["requests"] == []
    assert first["errors"][0]["where"] == "connection default.transform"


def test_other_kinds_show_their_output(folder: Path) -> None:
    """What is not HTTP shows kind and output in place of a request."""
    (folder / "connection.yaml").write_text("kafka: {brokers: b, topic: t}")
    first, *_ = lines(run(folder, "--json"))
    assert first["requests"] == [{"kind": "kafka", "output": FIRST}]


def test_check(folder: Path) -> None:
    """A good kit ends with 0; problems are printed with file, line and remedy and end with 1."""
    assert headwater("check", folder).returncode == 0
    (folder / "playbook.yaml").write_text("version: 1.0.0\nglobl: {}\n")
    bad = headwater("check", folder)
    assert bad.returncode == 1
    assert "playbook.yaml:2 globl" in bad.stdout
    (problem,) = [orjson.loads(line) for line in headwater("check", folder, "--json").stdout.splitlines()]
    assert (problem["file"], problem["line"], problem["path"], problem["fatal"]) == ("playbook.yaml", 2, "globl", True)


def test_schema(folder: Path) -> None:
    """The schema of all files, or of one."""
    everything = orjson.loads(headwater("schema").stdout)
    assert set(everything) == {"playbook", "connection", "metadata"}
    assert orjson.loads(headwater("schema", "playbook").stdout) == everything["playbook"]
