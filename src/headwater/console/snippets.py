"""What to paste so that events arrive: one snippet for each way of sending, with the pipeline's key and address in it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode


class Snippet(NamedTuple):
    """One way of sending. `note` says where it goes and what else it needs."""

    name: str
    title: str
    note: str
    text: str


def snippets(collector: str, first_party_path: str, write_key: str) -> list[Snippet]:
    """All ways, the most common first. `collector` is the address that senders reach ("https://events.example.com")."""
    return [
        Snippet(
            "browser",
            "Web pages: the browser tag",
            "Into the head of each page. Let your site's proxy pass the path on to the collector, so that it is first-party.",
            _tag(collector, first_party_path, write_key),
        ),
        Snippet(
            "segment-js",
            "Web apps: analytics.js from npm",
            "npm install @segment/analytics-next",
            _ANALYTICS_NEXT.format(collector=collector, host=f"{_without_scheme(collector)}/v1", key=write_key),
        ),
        Snippet(
            "node", "Node.js", "npm install @segment/analytics-node", _NODE.format(collector=collector, key=write_key)
        ),
        Snippet(
            "python",
            "Python",
            "pip install segment-analytics-python",
            _PYTHON.format(collector=collector, key=write_key),
        ),
        Snippet(
            "rudder",
            "RudderStack SDKs",
            "Any of them: the collector is the data plane. In Node: npm install @rudderstack/rudder-sdk-node",
            _RUDDER.format(collector=collector, key=write_key),
        ),
        Snippet(
            "curl",
            "From a shell, or any HTTP client",
            "The write key is the user name, without a password.",
            _CURL.format(collector=collector, key=write_key),
        ),
        Snippet(
            "pixel",
            "E-mails and pages without scripts: a pixel",
            "A picture of one pixel; its address is the event.",
            _pixel(collector, write_key),
        ),
        Snippet(
            "webhook",
            "Tools that call a webhook",
            "Give them this address. Any JSON becomes an event.",
            f"{collector}/v1/webhook?{urlencode({'writeKey': write_key})}",
        ),
    ]


_TAG = """<script>
(function (names) {{
  var queue = (window.analytics = window.analytics || []);
  names.split(" ").forEach(function (name) {{
    queue[name] = function () {{ queue.push([name].concat([].slice.call(arguments))); return queue; }};
  }});
}})("load page track identify group alias ready reset user setAnonymousId debug on consent");
</script>
<script async src="{collector}/{path}/headwater.js" data-write-key="{key}"></script>"""

_ANALYTICS_NEXT = """import {{ AnalyticsBrowser }} from "@segment/analytics-next"

const analytics = AnalyticsBrowser.load(
  {{ writeKey: "{key}", cdnURL: "{collector}" }},
  {{ integrations: {{ "Segment.io": {{ apiHost: "{host}" }} }} }},
)
analytics.track("Order Completed", {{ total: 19.99, currency: "USD" }})"""

_NODE = """import {{ Analytics }} from "@segment/analytics-node"

const analytics = new Analytics({{ writeKey: "{key}", host: "{collector}" }})
analytics.track({{ userId: "user-1", event: "Order Completed", properties: {{ total: 19.99, currency: "USD" }} }})
await analytics.closeAndFlush()"""

_PYTHON = """import segment.analytics as analytics

analytics.write_key = "{key}"
analytics.host = "{collector}"
analytics.track("user-1", "Order Completed", {{"total": 19.99, "currency": "USD"}})
analytics.flush()"""

_RUDDER = """import RudderAnalytics from "@rudderstack/rudder-sdk-node"

const analytics = new RudderAnalytics("{key}", {{ dataPlaneUrl: "{collector}" }})
analytics.track({{ userId: "user-1", event: "Order Completed", properties: {{ total: 19.99, currency: "USD" }} }})
await analytics.flush()"""

_CURL = """curl {collector}/v1/track -u {key}: -H 'content-type: application/json' \\
  -d '{{"userId": "user-1", "event": "Order Completed", "properties": {{"total": 19.99, "currency": "USD"}}}}'"""


def _tag(collector: str, path: str, write_key: str) -> str:
    return _TAG.format(collector=collector, path=path, key=write_key)


def _pixel(collector: str, write_key: str) -> str:
    query = urlencode({"writeKey": write_key, "userId": "user-1", "event": "E-mail Opened"})
    return f'<img src="{collector}/v1/pixel/track?{query}" width="1" height="1" alt="">'


def _without_scheme(url: str) -> str:
    return url.split("://", 1)[-1]
