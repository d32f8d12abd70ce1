"""Logs of a role: one line an entry, as text for people or JSON for machines, on standard error.

What is logged names objects (pipeline, integration, reason), never the content of an event: secrets and personal data
stay out because no call passes them, not because a filter looks for them.
"""

from __future__ import annotations

import logging
import sys

import structlog

from headwater.settings import OperationsSettings


def configure(settings: OperationsSettings) -> None:
    """Set up structlog for this process."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks
            if settings.log_format == "json"
            else structlog.processors.ExceptionPrettyPrinter(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
