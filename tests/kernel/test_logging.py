"""Logs: one JSON object a line, and nothing in it that is nobody's business."""

import io
import json
import logging

import pytest
import structlog

from stockade.kernel.logging import REDACTED, configure_logging, redact


@pytest.fixture
def stream() -> io.StringIO:
    made = io.StringIO()
    configure_logging(made)
    return made


def test_every_line_is_a_json_object(stream: io.StringIO) -> None:
    structlog.stdlib.get_logger("a").info("one\ntwo", number=3)
    logging.getLogger("b").warning("plain %s", "words")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["one\ntwo", "plain words"]


@pytest.mark.parametrize("name", ["password", "api_key", "Authorization", "cookie", "iban", "email", "card_number"])
def test_values_under_telling_names_are_dropped(name: str) -> None:
    assert redact(None, "", {name: "canary"}) == {name: REDACTED}


@pytest.mark.parametrize(
    "text",
    [
        "sk_0a1b2c3d_" + "0" * 32 + "_" + "x" * 43,
        "se_" + "0" * 32 + "_" + "y" * 43,
        "postgresql://user:canary@host/db",
        "pin " + "ab" * 110,
    ],
)
def test_what_looks_like_a_credential_is_cut_out_of_texts(text: str) -> None:
    assert REDACTED in redact(None, "", {"detail": f"it was {text}"})["detail"]


def test_a_traceback_tells_no_local_variable(stream: io.StringIO) -> None:
    def fail() -> None:
        secret_word = "canary-in-a-local"  # noqa: F841
        raise ValueError("it broke")

    try:
        fail()
    except ValueError:
        structlog.stdlib.get_logger("a").exception("failed")
    assert "it broke" in stream.getvalue()
    assert "canary-in-a-local" not in stream.getvalue()
