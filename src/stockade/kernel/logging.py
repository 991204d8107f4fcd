"""Logs: one JSON object a line on standard error, with no personal data and no secret in it.

What may be logged is what the code names; nothing logs bodies, headers, parameters of statements or whole objects.
``redact`` is the net below that: values under a telling name are dropped, and what looks like a credential of ours
is cut out of any text.
"""

import logging
import re
import sys
from typing import Any, TextIO

import structlog

REDACTED = "[redacted]"
_TELLING_NAMES = re.compile(r"password|secret|token|authorization|cookie|api_?key|iban|card|pin$|email|phone", re.I)
_CREDENTIALS = re.compile(
    r"\b(?:sk|ot|se|rt)_[A-Za-z0-9_-]{20,}|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]+|[0-9a-f]{128,}"
    r"|postgres(?:ql)?://\S+|\$(?:2[abxy]|argon2\w*)\$[^\s'\"]+|\bpbkdf2_\w+\$[^\s'\"]+|\bAQAAAA[A-Za-z0-9+/=]{40,}"
)
"""Tokens, keys, addresses of databases, and the hashes of passwords in the forms that they come in."""


def redact(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Drop values under telling names and cut credentials out of texts (structlog processor)."""
    for name, value in event.items():
        if _TELLING_NAMES.search(name):
            event[name] = REDACTED
        elif isinstance(value, str):
            event[name] = _CREDENTIALS.sub(REDACTED, value)
    return event


def configure_logging(stream: TextIO = sys.stderr, *, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's records through the same processors as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Without local variables: a password or somebody's row may be among them.
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
        redact,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


logger = structlog.stdlib.get_logger("stockade")
