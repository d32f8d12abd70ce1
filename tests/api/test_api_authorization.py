"""Who may call which route: the whole policy as a table, and every route held to it with a token of every scope."""

import re
from typing import NamedTuple

from litestar.routes import HTTPRoute

from headwater.pipelines import token_store

MANAGERS = {"admin", "general_manager"}
PIPELINES = MANAGERS | {"campaign_manager"}
DATA = MANAGERS | {"data_manager"}
AUDIENCES = PIPELINES | {"segment_manager", "marketer"}
PERSONS = DATA | {"segment_manager", "marketer", "observer"}
CONFIGURATION = PIPELINES | {"data_manager", "marketer", "observer"}
EVERY_READER = CONFIGURATION | {"segment_manager"}
EVERYBODY = set(token_store.SCOPES)

POLICY = [
    # What people look up by hand, or what gives persons away, is stricter than its neighbours and stands first.
    ("GET", r"/api/v1/me", EVERYBODY),
    (".*", r"/api/v1/tokens.*", {"admin"}),
    ("GET", r"/api/v1/dead-letters/{letter_id:int}", PIPELINES),
    ("GET", r"/api/v1/(pipelines|integrations|kits|audit-log|dead-letters).*", CONFIGURATION),
    ("POST", r"/api/v1/integrations/{integration:str}/conflicts", CONFIGURATION),
    (".*", r"/api/v1/(pipelines|integrations|dead-letters).*", PIPELINES),
    ("GET", r"/api/v1/profiles/deletions/.*", DATA),
    ("GET", r"/api/v1/profiles.*", PERSONS),
    (".*", r"/api/v1/profiles.*", DATA),
    ("GET", r"/api/v1/audiences/(of-profile|{segment:str}/explain)/.*", PERSONS),
    ("GET", r"/api/v1/(audiences|profile-schema|public-access).*", EVERY_READER),
    ("POST", r"/api/v1/profile-schema/check", EVERY_READER),
    (".*", r"/api/v1/(profile-schema|public-access).*", DATA),
    ("GET", r"/api/entity/deletestatus/.*", DATA),
    ("GET", r"/(api/entity|api/me|v2/identity)/.*", PERSONS),
    ("POST", r"/v2/identity/lookup", PERSONS),
    (".*", r"/(api/entity|v2/identity)/.*", DATA),
    ("GET", r"/api/schema/{table:str}/field(info|suggest).*", PERSONS),
    ("GET", r"/(api/schema|api/query|v2/schema|v2/stream)(/.*)?", EVERY_READER),
    ("POST", r"/api/query/_(validate|test|tolql)", EVERY_READER),
    (".*", r"/(api/query|v2/schema)(/.*)?", DATA),
    ("GET|POST", r"/api/segment/(.*/)?(scan|fieldinfo)", PERSONS),
    ("POST", r"/api/segment/(size|validate)", EVERY_READER),
    ("GET", r"/(api|v2)/(segment|subscription)(/.*)?", EVERY_READER),
    (".*", r"/(api|v2)/(segment|subscription)(/.*)?", AUDIENCES),
]
WITHOUT_TOKEN = re.compile(r"/api/v1/schema.*")
VALUES = {"int": "1", "uuid": "00000000-0000-4000-8000-000000000000", "str": "x"}


class Operation(NamedTuple):
    """A method of a path, and the scopes that may use it."""

    method: str
    path: str
    scopes: set[str]

    @property
    def url(self):
        return re.sub(r"{\w+:(\w+)}", lambda found: VALUES[found[1]], self.path)


def operations(app):
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        if WITHOUT_TOKEN.fullmatch(route.path):
            continue
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                yield Operation(method, route.path, expected(method, route.path))


def expected(method, path):
    for methods, pattern, scopes in POLICY:
        if re.fullmatch(methods, method) and re.fullmatch(pattern, path):
            return scopes
    raise AssertionError(f"{method} {path} is in no rule; say here who may use it")


async def test_every_route_lets_in_whom_the_policy_names_and_nobody_else(api):
    """401 without a token, 403 with a scope that is not named, and neither for one that is. Only readers are let through here."""
    checked = 0
    async with api.client(None) as client:
        client.base_url = "http://headwater"
        for operation in operations(api.app):
            reply = await client.request(operation.method, operation.url)
            assert reply.status_code == 401, operation
            for scope in EVERYBODY - operation.scopes:
                reply = await client.request(
                    operation.method, operation.url, headers={"Authorization": api.tokens[scope]}
                )
                assert reply.status_code == 403, (operation, scope)
                checked += 1
            for scope in operation.scopes if operation.method == "GET" else ():
                reply = await client.request("GET", operation.url, headers={"Authorization": api.tokens[scope]})
                assert reply.status_code not in (401, 403), (operation, scope)
                checked += 1
    assert checked > 1_000
