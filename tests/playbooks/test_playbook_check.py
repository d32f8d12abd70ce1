"""What checking a kit finds, with file, line and remedy; and the schema that says the same to an editor."""

from __future__ import annotations

import pytest

from headwater.errors import ConfigurationError
from headwater.playbooks import Kit, check_kit, compile_kit, kit_from_texts, require_valid
from headwater.playbooks.schema import schemas

CONNECTION = "default:\n  endpoint: https://v.example/\n  method: POST\n"


def kit(playbook: str = "", connection: str = CONNECTION) -> Kit:
    return kit_from_texts("k", "version: 1.0.0\n" + playbook, connection)


def found(playbook: str = "", connection: str = CONNECTION) -> list[str]:
    return [str(problem) for problem in check_kit(kit(playbook, connection)) if problem.fatal]


@pytest.mark.parametrize(
    ("playbook", "said"),
    [
        (
            "globl: {}",
            "playbook.yaml:2: globl: unknown key 'globl'; remove it or use one of: version, params, global, eventSpecific, default",
        ),
        ("global:\n  mappings:\n    - inputKey: a\n", "playbook.yaml:4: global.mappings[0]: 'outputKey' is missing"),
        ("global:\n  mappings: {a: 1}", "playbook.yaml:3: global.mappings: expected a list, found an object"),
        ("global: []", "playbook.yaml:2: global: expected an object, found a list"),
        (
            "global:\n  filters:\n    - byEventNames: {action: permit, events: []}",
            "'permit' is not known; use one of: allow, deny",
        ),
        (
            "global: {filters: [{}]}",
            "global.filters[0]: says nothing; give it exactly one of: byEventNames, byConditions",
        ),
        (
            "global: {filters: [{byConditions: {action: deny, when: {inputPathIs: {inputPath: a}}}}]}",
            "unknown key 'inputPathIs'",
        ),
        (
            "global: {filters: [{byConditions: {action: deny, when: {matchesAny: {conditions: [{x: 1}]}}}}]}",
            "conditions[0].x: unknown key",
        ),
        ("global: {enrichments: [{outputKey: a, staticInt: 1.5}]}", "expected a whole number, found the number 1.5"),
        (
            "global: {enrichments: [{outputKey: a, staticInt: 1, staticBool: true}]}",
            "staticInt and staticBool cannot stand together",
        ),
        (
            "global: {enrichments: [{outputKey: a, timestamp: hours}]}",
            "'hours' is not known; use one of: seconds, milliseconds",
        ),
        ("global: {mappings: [{inputKey: a, outputKey: b, transforms: [{toHash: sha1}]}]}", "'sha1' is not known"),
        ("global: {mappings: [{inputKey: a, outputKey: b, transforms: [{shout: yes}]}]}", "unknown key 'shout'"),
        (
            "global: {mappings: [{inputKey: a..b, outputKey: c}]}",
            "global.mappings[0].inputKey: 'a..b' has an empty part",
        ),
        ("global: {mappings: [{inputKey: a, outputKey: ''}]}", "'' has an empty part"),
        ("global: {mappings: [{inputKey: a, outputKey: 5}]}", "expected text, found the number 5; put it in quotes"),
        ("global: {expressions: [{lang: js, body: x}]}", "'js' is not known; use one of: lua"),
        (
            "global:\n  expressions:\n    - lang: lua\n      body: return (",
            "playbook.yaml:5: global.expressions[0].body: Lua does not compile",
        ),
        ("global: {expressions: [{lang: lua, body: 'return \"x'}]}", "a string does not end (line 1 of the body)"),
        (
            "global: {mappings: [{inputKey: $$P$$, outputKey: c}]}",
            "$$P$$ stands for no declared parameter; add P to params",
        ),
        ("params: [{name: lower}]", "'lower' does not have the required form"),
        (
            "eventSpecific: {Order Completed: {}, order_completed: {}}",
            "are the same event name; put both sections together",
        ),
        (
            "global: {mappings: [{inputKey: a, outputKey: b, transforms: [{toDateTime: {inputFormat: YYYY, outputFormat: '2006'}}]}]}",
            "'YYYY' is no time layout",
        ),
        ("global: {spreadings: [{inputKey: a, flatten: {depth: -1}}]}", "-1 is too small; write 0 or more"),
    ],
)
def test_problems_of_a_playbook(playbook: str, said: str) -> None:
    """One problem, with the place, the cause and what to do."""
    (problem,) = found(playbook)
    assert said in problem


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("{}", "connection.yaml:1: (document): says nowhere where to send"),
        ("default: {method: POST}", "'endpoint' is missing"),
        ("default: {endpoint: x, method: FETCH}", "'FETCH' is not known"),
        (
            "default: {endpoint: x, method: GET, basicAuth: {username: a}, providerAuth: {verizon: {}}}",
            "basicAuth and providerAuth cannot stand",
        ),
        (
            "default: {endpoint: x, method: GET, headers: [{key: A}]}",
            "says nothing; give it exactly one of: value, fromEventKey",
        ),
        ("default: {endpoint: x, method: POST, batchSize: 0}", "0 is too small; write 1 or more"),
        ("default: {endpoint: x, method: POST, transform: {lang: lua, body: 'x ='}}", "Lua does not compile"),
        ("default: {endpoint: x, method: POST, queryEncoding: other}", "'other' is not known"),
        ("default: {endpoint: x, method: POST, queryEncoded: other}", "unknown key 'queryEncoded'"),
        ("kafka: {topic: t}", "'brokers' is missing"),
        ("s3: {region: r, bucket: b, bucketName: c}", "unknown key 'bucketName'"),
        ("s3: {region: r, bucket: b}\nstdout: {}", "a connection has one kind"),
        ("default: {endpoint: x, method: GET}\nstdout: {}", "a connection has one kind"),
        ("smtp: {}", "unknown key 'smtp'"),
    ],
)
def test_problems_of_a_connection(connection: str, said: str) -> None:
    """Unknown keys, kinds and schemes, missing fields, and more than one kind."""
    assert any(said in problem for problem in found(connection=connection))


def test_everything_is_said_at_once() -> None:
    """All problems of a document are found in one run, in its order."""
    lines = [problem.line for problem in check_kit(kit("a: 1\nglobal:\n  b: 1\n  filters: 5\n"))]
    assert lines == [2, 4, 5]


def test_findings_do_not_stop_a_kit() -> None:
    """A rule that never shows and an unused parameter are said, and the kit runs."""
    playbook = """
params: [{name: A, defaultValue: x}]
global:
  mappings:
    - {inputKey: a, outputKey: id}
    - {inputKey: b, outputKey: id, defaultString: none}
"""
    problems = check_kit(kit(playbook))
    assert [(problem.path, problem.fatal) for problem in problems] == [
        ("params[0]", False),
        ("global.mappings[0]", False),
    ]
    assert "'id' is written again by global.mappings[1]" in problems[1].message
    compile_kit(kit(playbook), {})


def test_a_later_mapping_without_default_is_no_finding() -> None:
    """Two mappings of a key are the idiom for "this, else that"."""
    assert check_kit(kit("global: {mappings: [{inputKey: a, outputKey: id}, {inputKey: b, outputKey: id}]}")) == []


def test_a_faulty_kit_does_not_compile() -> None:
    """Compiling refuses with the first problem and the number of others; require_valid lists them all."""
    faulty = kit("a: 1\nb: 2\n")
    with pytest.raises(ConfigurationError, match=r"playbook\.yaml:2: a: unknown key 'a'.*\(and 1 more"):
        compile_kit(faulty, {})
    with pytest.raises(ConfigurationError, match=r"(?s)unknown key 'a'.*unknown key 'b'"):
        require_valid(faulty)


def test_lua_that_only_fails_with_a_value_is_found_on_compiling() -> None:
    """The error names the rule."""
    with pytest.raises(
        ConfigurationError, match=r"global\.expressions\[0\]: the value of V stands in a long Lua string"
    ):
        compile_kit(
            kit("params: [{name: V}]\nglobal: {expressions: [{lang: lua, body: 'return {a = [[$$V$$]]}'}]}"),
            {"V": "]]"},
        )


def test_the_schemas_allow_what_the_checker_allows() -> None:
    """A JSON Schema validator accepts a good kit and refuses what the checker refuses."""
    jsonschema = pytest.importorskip("jsonschema_rs")
    validators = {name: jsonschema.validator_for(schema) for name, schema in schemas().items()}
    good = kit(
        "global: {filters: [{byConditions: {action: deny, when: {matchesAll: {conditions: []}}}}], "
        "mappings: [{inputKey: a, outputKey: b, transforms: [{toHash: md5}], defaultInt: '1'}]}"
    )
    assert validators["playbook"].is_valid(good.playbook.value)
    assert validators["connection"].is_valid(good.connection.value)
    for playbook in (
        "globl: {}",
        "global: {filters: [{}]}",
        "global: {mappings: [{inputKey: a}]}",
        "global: {enrichments: [{outputKey: a, staticInt: 1, staticBool: true}]}",
    ):
        assert not validators["playbook"].is_valid(kit(playbook).playbook.value)
    assert not validators["connection"].is_valid({"default": {"endpoint": "x", "method": "FETCH"}})


def test_a_kit_that_is_not_sound_is_checked_as_far_as_it_goes() -> None:
    """An unknown key does not hide a Lua body that does not compile, an impossible path or an undeclared parameter."""
    playbook = """
globl: {}
global:
  mappings:
  - {inputKey: a..b, outputKey: x}
  - {inputKey: $$NOPE$$, outputKey: y, transforms: [{expression: {lang: lua, body: return +}}]}
"""
    said = "".join(map(str, check_kit(kit_from_texts("kit", "version: 1.0.0" + playbook, CONNECTION))))
    for part in ("unknown key 'globl'", "'a..b' has an empty part", "$$NOPE$$", "Lua does not compile"):
        assert part in said
