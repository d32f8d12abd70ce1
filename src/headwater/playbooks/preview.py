"""Trying a compiled integration out: what each event would become, as plain values for people and tests. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from headwater import jsontext
from headwater.errors import InputError
from headwater.playbooks.authentication import Fetched
from headwater.playbooks.compile import CompiledIntegration, Trace
from headwater.playbooks.connection import HTTP
from headwater.playbooks.oauth2 import bearer
from headwater.playbooks.outputs import Clock, Flag, HttpRequest, Output, Prepared
from headwater.playbooks.requests import TransformError


def with_traits(event: dict[str, Any]) -> dict[str, Any]:
    """The event as a playbook sees it after collection: `context.traits` also as `traits` when there are none."""
    context = event.get("context")
    if "traits" in event or not isinstance(context, dict) or not isinstance(context.get("traits"), dict):
        return event
    return {**event, "traits": context["traits"]}


class Preview:
    """Runs events one after the other and gathers their outputs into requests of at most `batch` outputs."""

    def __init__(
        self, integration: CompiledIntegration, clock: Clock, access_token: str | None, batch: int = 1
    ) -> None:
        self._integration = integration
        self._clock = clock
        self._access_token = access_token
        self._batch = batch

    def lines(self, events: Iterable[dict[str, Any]], *, trace: bool = False) -> Iterator[dict[str, Any]]:
        """One result for each event: `requests`, `dropped`, `errors`, and with `trace` which rule wrote what.

        With `trace` an error also names the kit and the output key that has no value because of it.

        A request that carries outputs of several events stands with the last of them.
        """
        waiting: dict[Any, list[Output]] = {}
        held: list[dict[str, Any]] = []
        last: dict[Any, dict[str, Any]] = {}
        for event in events:
            line, prepared = self._line(event, trace=trace)
            held.append(line)
            for output in prepared.outputs:
                last[output.batch_key] = line
                gathered = waiting.setdefault(output.batch_key, [])
                gathered.append(output)
                if len(gathered) >= min(self._batch, max(self._integration.batch_size(output), 1)):
                    self._send(waiting.pop(output.batch_key), line)
            if not waiting:
                yield from held
                held.clear()
        for key, gathered in waiting.items():
            self._send(gathered, last[key])
        yield from held

    def _line(self, event: dict[str, Any], *, trace: bool) -> tuple[dict[str, Any], Prepared]:
        event = with_traits(event)
        traced = self._integration.trace(event, self._clock) if trace else None
        prepared = self._integration.prepare(event, self._clock) if traced is None else traced.prepared
        line: dict[str, Any] = {
            "requests": [],
            "dropped": None if prepared.drop is None else prepared.drop.reason,
            "errors": [
                {**_shown_flag(flag), "kit": self._integration.name, "key": flag.key} if trace else _shown_flag(flag)
                for flag in prepared.flags
            ],
        }
        if prepared.drop is not None and trace:
            line["dropped_by"] = prepared.drop.where
        if traced is not None:
            line["trace"] = _shown_trace(traced)
        return line, prepared

    def _send(self, outputs: list[Output], line: dict[str, Any]) -> None:
        if self._integration.connection.kind != HTTP:
            kind = self._integration.connection.kind
            line["requests"].extend({"kind": kind, "output": output.body} for output in outputs)
            return
        try:
            request = self._integration.request(outputs, self._clock)
        except TransformError as fault:
            where = f"connection {outputs[0].section}.transform"
            line["errors"].append({"where": where, "message": str(fault)})
            return
        if isinstance(self._integration.authentication(outputs[0]), Fetched) and self._access_token is not None:
            request = bearer(request, self._access_token)
        line["requests"].append(shown_request(request))


def shown_request(request: HttpRequest) -> dict[str, Any]:
    """A request as plain values; the body as JSON where it is JSON, else as text, null when there is none."""
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "body": _shown_body(request.body),
    }


def _shown_body(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return jsontext.decode(body)
    except InputError:
        return body.decode("utf-8", "replace")


def _shown_flag(flag: Flag) -> dict[str, str]:
    return {"where": flag.where, "message": flag.message}


def _shown_trace(trace: Trace) -> list[dict[str, Any]]:
    return [{"where": step.where, "key": step.key, "value": step.value} for step in trace.steps]
