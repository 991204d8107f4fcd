"""Starting and ending: in seconds, whole, and with one sentence where it cannot be."""

import os
import signal
import socket
import ssl
import urllib.request

from tests.journeys.serving import Home, Serving, free_port

"""The best of so many counts: other tests run on the same cores."""


def healthy(home: Home) -> bool:
    """Whether it answers over TLS under its own authority."""
    context = ssl.create_default_context(cafile=home.path / "certificates" / "authority.crt")
    with urllib.request.urlopen(f"{home.origin}/readyz", context=context, timeout=10) as answer:
        return bool(answer.status == 200)


def is_one_sentence(text: str) -> bool:
    return len(text.strip().splitlines()) == 1 and "Traceback" not in text and text.strip().endswith(".")


def test_the_supervisor_killed_takes_everything_along_and_the_next_start_recovers(bare: Home) -> None:
    first = Serving(bare)
    assert healthy(bare)
    assert len(bare.processes()) > 1  # The supervisor and its children: how many, the database decides.
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(10)
    assert bare.is_left()
    second = Serving(bare)
    assert healthy(bare)
    second.stop()
    assert bare.is_left()


def test_ctrl_c_ends_every_process_and_says_nothing_of_errors(bare: Home) -> None:
    running = Serving(bare)
    assert running.stop(signal.SIGINT) == 0
    assert bare.is_left(1)
    assert "Traceback" not in running.said()


def test_a_data_folder_in_use_is_refused_in_one_sentence(bare: Home) -> None:
    running = Serving(bare)
    other = Home(bare.path, free_port(), free_port())
    refused = other.command("serve")
    assert refused.returncode == 2, refused.stderr
    assert is_one_sentence(refused.stderr), refused.stderr
    assert healthy(bare)
    running.stop()


def test_a_taken_port_is_refused_in_one_sentence_that_names_it(bare: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", bare.port))
        taken.listen()
        refused = bare.command("serve")
    assert refused.returncode == 2, refused.stderr
    assert is_one_sentence(refused.stderr), refused.stderr
    assert str(bare.port) in refused.stderr
    assert bare.is_left(1)
