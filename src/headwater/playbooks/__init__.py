"""The playbook and connection language: what to send to a vendor, under which names, in which request.

    kit = load_kit("integrations/lytics")            three documents with the line of every node
    problems = check_kit(kit)                        everything wrong with it, each with file, line and remedy
    parameters = parameters_of(kit)                  what an installation sets
    integration = compile_kit(kit, {"API_KEY": "…"}) ready to run; raises ConfigurationError
    prepared = integration.prepare(event)            outputs, or a drop with its reason; flags for failed evaluations
    request = integration.request(prepared.outputs)  method, URL, headers and body of one batch

Outputs with the same `batch_key` may share a request, up to `integration.batch_size(output)`. Everything here is free
of I/O; a token is fetched by the caller with `token_request` (Data Cloud: then `exchange_request`) and applied with `bearer`.
"""

from headwater.playbooks.authentication import Authentication, Basic, Fetched, OAuth1, Unsupported
from headwater.playbooks.check import check_kit, require_valid
from headwater.playbooks.compile import CompiledIntegration, Trace, TraceStep, compile_kit
from headwater.playbooks.connection import HTTP, Connection, HttpSection
from headwater.playbooks.data_cloud import DataCloud, exchange_request
from headwater.playbooks.documents import Document
from headwater.playbooks.event_names import lookup_name
from headwater.playbooks.grammar import Problem
from headwater.playbooks.kit import Kit, kit_from_texts, load_kit, parameters_of
from headwater.playbooks.oauth2 import Assertion, OAuth2, bearer, token_of, token_request
from headwater.playbooks.outputs import (
    SYSTEM_CLOCK,
    Clock,
    Drop,
    Flag,
    HttpRequest,
    Output,
    Prepared,
    fixed_clock,
)
from headwater.playbooks.parameters import Parameter, example_values
from headwater.playbooks.requests import TransformError
from headwater.playbooks.trade_desk import TradeDesk

__all__ = [
    "HTTP",
    "SYSTEM_CLOCK",
    "Assertion",
    "Authentication",
    "Basic",
    "Clock",
    "CompiledIntegration",
    "Connection",
    "DataCloud",
    "Document",
    "Drop",
    "Fetched",
    "Flag",
    "HttpRequest",
    "HttpSection",
    "Kit",
    "OAuth1",
    "OAuth2",
    "Output",
    "Parameter",
    "Prepared",
    "Problem",
    "Trace",
    "TraceStep",
    "TradeDesk",
    "TransformError",
    "Unsupported",
    "bearer",
    "check_kit",
    "compile_kit",
    "example_values",
    "exchange_request",
    "fixed_clock",
    "kit_from_texts",
    "load_kit",
    "lookup_name",
    "parameters_of",
    "require_valid",
    "token_of",
    "token_request",
]
