"""From outputs to requests: sections, headers, queries, bodies, transforms, batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, PermanentError
from headwater.playbooks import CompiledIntegration, HttpRequest, TransformError
from headwater.playbooks.lua_embedding import embedding_of
from headwater.playbooks.lua_engine import LuaEngine
from headwater.playbooks.urls import check_host, legal, path_query_escape, query_escape, with_query

Compiled = Callable[..., CompiledIntegration]
WHOLE = "global: {expressions: [{lang: lua, body: return input.p}]}"


def sent(
    compiled: Compiled, connection: str, event: dict[str, Any], playbook: str = WHOLE, **values: str
) -> HttpRequest:
    integration = compiled(playbook, connection, **values)
    (output,) = integration.prepare({"type": "page", **event}).outputs
    return integration.request([output])


def default(*fields: str, endpoint: str = "https://v.example/in", method: str = "POST") -> str:
    return f"default: {{endpoint: '{endpoint}', method: {method}{''.join(', ' + field for field in fields)}}}"


def test_a_post_sends_the_output_as_json(compiled: Compiled) -> None:
    """UTF-8 JSON with its Content-Type, endpoint as it is, a trailing question mark included."""
    request = sent(compiled, default(endpoint="https://v.example/in?"), {"p": {"a": "é"}})
    assert request == HttpRequest(
        "POST", "https://v.example/in?", (("Content-Type", "application/json"),), '{"a":"é"}'.encode()
    )


def test_the_events_own_section_is_used_alone(compiled: Compiled) -> None:
    """Nothing is inherited from default; without either the event is dropped."""
    connection = """
default: {endpoint: 'https://v.example/d', method: POST, headers: [{key: X, value: d}]}
eventSpecific: {Order Completed: {endpoint: 'https://v.example/o', method: PUT}}
"""
    event = {"event": "Order Completed", "type": "track", "p": {}}
    request = sent(compiled, connection, event)
    assert (request.method, request.url, request.header("X")) == ("PUT", "https://v.example/o", None)
    assert sent(compiled, connection, {"p": {}}).url == "https://v.example/d"
    only = compiled("", "eventSpecific: {page: {endpoint: 'https://v.example/', method: GET}}")
    dropped = only.prepare({"type": "screen"})
    assert dropped.drop is not None
    assert dropped.drop.reason == "no connection section"


HEADERS = (
    "headers: [{key: A, value: one}, {key: b, fromEventKey: h.x}, {key: B, fromEventKey: h.y}, {key: a, value: two}]"
)


@pytest.mark.parametrize(
    ("event", "headers"),
    [
        ({}, {"a": "two"}),
        ({"h": {"x": 5, "y": ""}}, {"b": "5", "a": "two"}),
        ({"h": {"x": "x", "y": True}}, {"B": "true", "a": "two"}),
        ({"h": {"x": "a\r\nSet-Cookie: b\n", "y": [1]}}, {"b": "a Set-Cookie: b", "a": "two"}),
    ],
)
def test_headers(compiled: Compiled, event: dict[str, Any], headers: dict[str, str]) -> None:
    """Missing, empty and non-scalar values are left out, line breaks become spaces, a later name wins in any case."""
    request = sent(compiled, default(HEADERS), {"p": {}, **event})
    assert dict(request.headers) == {**headers, "Content-Type": "application/json"}


def test_a_content_type_of_the_kit_is_kept(compiled: Compiled) -> None:
    """Only when the headers have none is one added."""
    request = sent(compiled, default("headers: [{key: content-type, value: application/vnd.x+json}]"), {"p": {}})
    assert request.headers == (("content-type", "application/vnd.x+json"),)


def test_form_encoding(compiled: Compiled) -> None:
    """An object body goes as a form when the kit says so, values as text."""
    form = default("headers: [{key: Content-Type, value: application/x-www-form-urlencoded}]")
    assert sent(compiled, form, {"p": {"b": [1], "a": "x y&", "n": 1.0}}).body == b"a=x+y%26&b=%5B1%5D&n=1"


def test_a_get_has_its_output_as_query(compiled: Compiled) -> None:
    """Sorted by key, the endpoint's own parameters kept unless replaced, objects as JSON, no body."""
    request = sent(
        compiled,
        default(endpoint="https://v.example/in?k=1&b=old&k=2", method="GET"),
        {"p": {"b": {"y": 1}, "a": True, "Z": 1.5}},
    )
    assert request.url == "https://v.example/in?Z=1.5&a=true&b=%7B%22y%22%3A1%7D&k=1&k=2"
    assert request.body is None


@pytest.mark.parametrize("endpoint", ["https://v.example/in", "https://v.example/in?", "https://v.example/in#x"])
def test_a_get_without_parameters_has_no_question_mark(compiled: Compiled, endpoint: str) -> None:
    """No parameters, no `?`; a fragment is never sent."""
    assert sent(compiled, default(endpoint=endpoint, method="GET"), {"p": {}}).url == "https://v.example/in"


def test_path_escape_encoding(compiled: Compiled) -> None:
    """A space is %20 and `=` stays, `&` and `+` are encoded."""
    connection = default("queryEncoding: use_path_escape_encoding", method="GET")
    assert sent(compiled, connection, {"p": {"a": "x y=&+:"}}).url == "https://v.example/in?a=x%20y=%26%2B:"


parameters = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=8), max_size=5)


@given(parameters)
def test_a_query_reads_back(parameters: dict[str, str]) -> None:
    """Whatever keys and values hold, a server reads the same ones, in sorted order, from a legal URL."""
    url = with_query("https://v.example/in", parameters)
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == sorted(parameters.items())
    assert legal(url) == url


@given(st.text(max_size=20))
def test_escapes_leave_only_what_they_name(text: str) -> None:
    """Nothing that would end a parameter gets through."""
    assert not set(query_escape(text)) & set("&=#? /")
    assert not set(path_query_escape(text)) & set("&+#? /")


@given(st.text(max_size=20))
def test_a_url_becomes_legal_and_stays(text: str) -> None:
    """Percent-encoding what no URL may hold changes nothing the second time, and leaves legal text alone."""
    url = legal("https://v.example/" + text)
    assert legal(url) == url
    assert url.isascii()
    assert not set(url) & set(' "<>\\^`{|}#')


def test_legal_keeps_what_is_legal() -> None:
    """Existing escapes stay, a lone percent sign is escaped, a fragment goes."""
    assert legal("https://v.example/a%20b%zz|é?x=[1]&y=a b#c") == "https://v.example/a%20b%25zz%7C%C3%A9?x=[1]&y=a%20b"


@given(st.text(max_size=15))
def test_a_parameter_value_never_becomes_another_host(value: str) -> None:
    """In the path or query of an endpoint any value keeps the host; inside the host only host characters pass."""
    for template in ("https://api.v.example/in/$$V$$", "https://api.v.example/?k=$$V$$"):
        filled = template.replace("$$V$$", value)
        check_host(template, filled)
        assert urlsplit(legal(filled)).netloc == "api.v.example"
    filled = f"https://{value}.v.example/in"
    try:
        check_host("https://$$V$$.v.example/in", filled)
    except ConfigurationError:
        return
    assert urlsplit(legal(filled)).netloc == f"{value}.v.example"


@pytest.mark.parametrize(
    "value", ["evil.example/", "evil.example#", "evil.example?", "u@evil.example:1/", "evil.example\\\\"]
)
def test_a_value_that_changes_the_host_is_refused(compiled: Compiled, value: str) -> None:
    """The deployment stops and names the endpoint."""
    connection = "params: [{name: S}]\ndefault: {endpoint: 'https://$$S$$.v.example/in', method: POST}"
    with pytest.raises(ConfigurationError, match="changes the host"):
        compiled("", connection, S=value)


def test_a_whole_address_may_be_a_parameter(compiled: Compiled) -> None:
    """Where the host itself is the parameter, any address goes."""
    connection = "params: [{name: U}]\ndefault: {endpoint: '$$U$$/in', method: POST}"
    assert sent(compiled, connection, {"p": {}}, U="http://127.0.0.1:9/x").url == "http://127.0.0.1:9/x/in"


def transform(body: str, *fields: str, **options: str) -> str:
    return default(f"transform: {{lang: lua, body: {orjson.dumps(body).decode()}}}", *fields, **options)


def test_a_transform_changes_url_headers_and_body(compiled: Compiled) -> None:
    """It sees the request and the batch, and what it returns is sent."""
    body = """
request.url = request.url .. '?x=' .. batch[1].a
request.headers['X-New'] = request.headers.Old .. '!'
request.headers.Old = nil
request.body = { all = batch, one = request.body.a }
return request
"""
    request = sent(compiled, transform(body, "headers: [{key: Old, value: v}]"), {"p": {"a": "1 2"}})
    assert request.url == "https://v.example/in?x=1%202"
    assert dict(request.headers) == {"X-New": "v!", "Content-Type": "application/json"}
    assert orjson.loads(request.body or b"") == {"all": [{"a": "1 2"}], "one": "1 2"}


def test_a_get_transform_sees_the_encoded_query(compiled: Compiled) -> None:
    """request.url has its query, request.body is nil, and a body is never sent."""
    body = "request.url = request.url .. '&n=' .. tostring(request.body) request.body = {1} return request"
    request = sent(compiled, transform(body, method="GET"), {"p": {"a": "x y"}})
    assert (request.url, request.body) == ("https://v.example/in?a=x+y&n=nil", None)


@pytest.mark.parametrize(
    "body",
    [
        "request.body = {}",
        "request.body = nil",
        "request.body = {} return request",
        "return {url = request.url}",
        "request.body = ''",
    ],
)
def test_no_body(compiled: Compiled, body: str) -> None:
    """An empty table or nil means that nothing is sent, also when nothing is returned."""
    request = sent(compiled, transform(body), {"p": {"a": 1}})
    assert (request.body, request.headers) == (None, ())


def test_a_text_body_is_sent_as_it_is(compiled: Compiled) -> None:
    """A transform that makes text sends that text."""
    assert sent(compiled, transform("request.body = 'a=1' return request"), {"p": {}}).body == b"a=1"


def test_the_method_cannot_be_changed(compiled: Compiled) -> None:
    """Whatever a transform sets, the method stays."""
    assert sent(compiled, transform("request.method = 'PUT' return request"), {"p": {}}).method == "POST"


def test_an_error_in_a_transform_is_for_good(compiled: Compiled) -> None:
    """It is a permanent failure that names the cause; the next request is built."""
    integration = compiled(WHOLE, transform("return batch[1].a.b + 1"))
    bad, good = (integration.prepare({"type": "page", "p": p}).outputs[0] for p in ({"a": {}}, {"a": {"b": 1}}))
    with pytest.raises(TransformError, match="attempt to perform arithmetic on field 'b'"):
        integration.request([bad])
    assert issubclass(TransformError, PermanentError)
    assert integration.request([good]).method == "POST"


def test_outputs_are_not_changed_by_a_transform(compiled: Compiled) -> None:
    """A transform works on copies; outputs can be sent again."""
    integration = compiled(WHOLE, transform("batch[1].a = 2 request.body.a = 3 return request"))
    (output,) = integration.prepare({"type": "page", "p": {"a": 1}}).outputs
    assert integration.request([output]).body == integration.request([output]).body == b'{"a":3}'
    assert output.body == {"a": 1}


def test_a_batch_is_a_list(compiled: Compiled) -> None:
    """With batchSize above one the body is the list of outputs, also of one; a delivery may ask for another size."""
    integration = compiled(WHOLE, default("batchSize: 3"))
    outputs = [integration.prepare({"type": "page", "p": {"n": n}}).outputs[0] for n in range(2)]
    assert integration.batch_size(outputs[0]) == 3
    assert integration.request(outputs).body == b'[{"n":0},{"n":1}]'
    assert integration.request(outputs[:1]).body == b'[{"n":0}]'


def test_outputs_of_one_batch_share_section_and_headers(compiled: Compiled) -> None:
    """The key of a batch differs when a header taken from the event differs, or the section."""
    connection = """
default: {endpoint: 'https://v.example/', method: POST, batchSize: 9, headers: [{key: A, fromEventKey: a}]}
eventSpecific: {screen: {endpoint: 'https://v.example/', method: POST, batchSize: 9, headers: [{key: A, fromEventKey: a}]}}
"""
    integration = compiled("", connection)
    key_of = {
        (kind, a): integration.prepare({"type": kind, "a": a}).outputs[0].batch_key
        for kind in ("page", "alias", "screen")
        for a in "xy"
    }
    assert key_of["page", "x"] == key_of["alias", "x"]
    assert len(set(key_of.values())) == 4


def test_a_get_is_never_batched(compiled: Compiled) -> None:
    """Whatever batchSize says."""
    integration = compiled("", default("batchSize: 9", method="GET"))
    (output,) = integration.prepare({"type": "page"}).outputs
    assert integration.batch_size(output) == 1


def test_other_kinds_give_their_outputs(compiled: Compiled) -> None:
    """Settings are found in any spelling; there is no HTTP request to build."""
    integration = compiled("", "params: [{name: B}]\ngcs: {bucket: $$B$$, credentialJSON: x, compression: '2'}", B="b")
    assert (integration.connection.kind, integration.connection.settings) == (
        "gcs",
        {"bucket": "b", "credentialJson": "x", "compression": "2"},
    )
    (output,) = integration.prepare({"type": "page"}).outputs
    assert output.section == "gcs"
    with pytest.raises(ConfigurationError, match="gcs connection makes no HTTP requests"):
        integration.request([output])


@given(
    st.dictionaries(
        st.text(max_size=4),
        st.integers() | st.text(max_size=4) | st.decimals(allow_nan=False, allow_infinity=False),
        max_size=4,
    )
)
def test_bodies_keep_every_digit(compiled: Compiled, body: dict[str, Any]) -> None:
    """Large integers and exact fractions reach the vendor as they came."""
    assume("_metarouter_batch" not in body)
    integration = compiled("global: {spreadings: [{inputKey: p, flatten: {}}]}")
    event = {"type": "page", "p": body}
    (output,) = integration.prepare(event).outputs
    assert output.body == body
    assert integration.request([output]).body is not None


EMBEDDING = [
    "request.body = { events = batch, key = 'k' } return request",
    "request.body = batch",
    "request.body = {{ a = {batch, request.url} }}\nreturn request",
    "request.headers.X = 'y' return request",
    "request.url = request.url .. '?a=1'",
]
nested = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=3), nested, max_size=3), min_size=1, max_size=3),
    st.sampled_from(EMBEDDING),
)
def test_a_batch_that_is_only_embedded_comes_out_as_if_it_went_through_lua(
    bodies: list[dict[str, Any]], body: str
) -> None:
    """Outputs that a transform never looks into are put in place afterwards, with the same result as through tables."""
    engine = LuaEngine()
    # A function in the body makes the analysis give up.
    thorough = f"local function unused() end {body}"
    assert True in embedding_of(body)
    assert True not in embedding_of(thorough)
    request = {"url": "https://v.example/", "headers": {"A": "b"}, "body": bodies}
    quick, slow = (engine.transform(engine.compile(source, "t"))(request, bodies) for source in (body, thorough))
    assert quick == slow


@pytest.mark.parametrize(
    "body",
    [
        "request.body = { n = #batch }",
        "request.body = { first = batch[1] }",
        "local b = batch request.body = b",
        "request.body = { MAP(batch, LOWER) }",
        "request.body = { a = batch } request.body.a[1].x = 1",
        "request.body = { f(batch) }",
        "local t = { batch } t[1][1].x = 1 request.body = t",
        "x = { batch }",
        "local r = request r.body = { batch }",
    ],
)
def test_a_transform_that_looks_into_the_batch_gets_it(body: str) -> None:
    """Only a batch that is a whole value inside the new body is left out of Lua."""
    assert not embedding_of(body).batch
