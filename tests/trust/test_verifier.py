"""The document and its verification by a program that shares no code with the one that made it."""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.trust.samples import OTHER_SIGNER, SIGNER, holds, toy

from stockade.kernel.clock import now
from stockade.trust.claims import all_groups
from stockade.trust.evidence import EvidenceSigner, Outcome, Recorded, Result, canonical, statement_of
from stockade.trust.page import claims_document, verification_steps
from stockade.trust.state import judge

VERIFIER = Path(__file__).parents[2] / "verifier"
KEY = SIGNER.public_key.hex()
CONTROLS = (toy("first", holds, "A1"), toy("second", holds, "A1", "B5"), toy("third", holds, "D1"))


def document(
    *, at: datetime | None = None, outcome: Outcome = "holds", age: timedelta = timedelta(0)
) -> dict[str, Any]:
    """A genuine document: three controls, of which the last has an outcome and an age of choice."""
    moment = at or now()
    found = {}
    for number, control in enumerate(CONTROLS, 1):
        last = control.id == "third"
        checked_at = moment - (age if last else timedelta(0))
        result = Result(
            control.id,
            control.claims,
            control.statement,
            outcome if last else "holds",
            "Łódź.",
            (),
            checked_at,
            checked_at,
            1,
            300,
        )
        statement = statement_of(result, SIGNER, number, bytes(32))
        message = canonical(statement)
        found[control.id] = Recorded(control.id, statement, hashlib.sha256(message).digest(), SIGNER.sign(message))
    return claims_document(judge(all_groups(), CONTROLS, found, SIGNER.public_key, moment), SIGNER)


def signed_again(content: dict[str, Any], signer: EvidenceSigner = SIGNER) -> dict[str, Any]:
    content = {name: value for name, value in content.items() if name != "signature"}
    return content | {"signature": signer.sign(canonical(content)).hex()}


def verify(
    folder: Path, content: dict[str, Any] | bytes, *arguments: str, key: str = KEY
) -> "subprocess.CompletedProcess[str]":
    file = folder / "claims.json"
    file.write_bytes(content if isinstance(content, bytes) else canonical(content))
    return subprocess.run(
        [sys.executable, "-m", "stockade_verify", str(file), "--key", key, *arguments],
        cwd=folder, env={"PYTHONPATH": str(VERIFIER), "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_genuine_document_verifies_and_its_claims_are_listed(tmp_path: Path) -> None:
    done = verify(tmp_path, document())
    assert (done.returncode, done.stderr) == (0, "")
    assert "A1   holds" in done.stdout
    assert "G1   absent" in done.stdout


def test_a_failing_claim_is_told_by_the_exit_code(tmp_path: Path) -> None:
    done = verify(tmp_path, document(outcome="fails"))
    assert done.returncode == 1
    assert "D1   fails" in done.stdout


def test_a_document_that_was_fresh_when_made_is_stale_later(tmp_path: Path) -> None:
    content = document()
    later = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    assert verify(tmp_path, content).returncode == 0
    assert verify(tmp_path, content, "--at", later).returncode == 1


def test_a_result_that_is_stale_already_is_told(tmp_path: Path) -> None:
    done = verify(tmp_path, document(age=timedelta(minutes=6)), "--json")
    assert done.returncode == 1
    assert {item["state"] for item in json.loads(done.stdout) if item["id"] == "D1"} == {"stale"}


def set_state(content: dict[str, Any]) -> None:
    next(claim for claim in content["claims"] if claim["id"] == "D1")["state"] = "holds"


def set_outcome(content: dict[str, Any]) -> None:
    content["evidence"][2]["statement"]["outcome"] = "holds"
    set_state(content)


def set_outcome_and_hash(content: dict[str, Any]) -> None:
    set_outcome(content)
    content["evidence"][2]["evidence_hash"] = hashlib.sha256(canonical(content["evidence"][2]["statement"])).hexdigest()


def take_anothers_evidence(content: dict[str, Any]) -> None:
    content["evidence"][2] = content["evidence"][0] | {"control": "third"}
    set_state(content)


def drop_the_evidence(content: dict[str, Any]) -> None:
    del content["evidence"][2]
    set_state(content)


def name_another_control(content: dict[str, Any]) -> None:
    claim = next(claim for claim in content["claims"] if claim["id"] == "D1")
    claim["controls"] = [{"id": "first", "state": "holds", "evidence_hash": content["evidence"][0]["evidence_hash"]}]
    set_state(content)


ALTERATIONS = [
    set_state,
    set_outcome,
    set_outcome_and_hash,
    take_anothers_evidence,
    drop_the_evidence,
    name_another_control,
]


@pytest.mark.parametrize("alter", ALTERATIONS)
@pytest.mark.parametrize("signed", [False, True])
def test_a_document_that_was_altered_proves_nothing_even_when_it_is_signed_again(
    tmp_path: Path, alter: Callable[[dict[str, Any]], None], signed: bool
) -> None:
    content = document(outcome="fails")
    alter(content)
    done = verify(tmp_path, signed_again(content) if signed else content)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("stockade-verify: ")
    assert "Traceback" not in done.stderr


def test_a_document_that_brings_its_own_key_proves_nothing(tmp_path: Path) -> None:
    content = document() | {"public_key": OTHER_SIGNER.public_key.hex(), "installation": OTHER_SIGNER.fingerprint}
    assert verify(tmp_path, signed_again(content, OTHER_SIGNER)).returncode == 2


def test_the_signature_of_a_result_does_not_pass_for_that_of_a_document(tmp_path: Path) -> None:
    item = document()["evidence"][0]
    assert verify(tmp_path, item["statement"] | {"signature": item["signature"]}).returncode == 2


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"type":"stockade/claims/1"}', b'{"a":1,"a":2}', b"\xff"]
)
def test_what_is_no_document_is_refused_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    done = verify(tmp_path, content)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("key", ["00", "zz" * 32, "/nonexistent/key"])
def test_a_key_that_is_none_is_refused_without_a_traceback(tmp_path: Path, key: str) -> None:
    done = verify(tmp_path, document(), key=key)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_key_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(f"{KEY}\n")
    assert verify(tmp_path, document(), key="key.txt").returncode == 0


def test_the_verifier_imports_nothing_of_the_platform() -> None:
    for file in VERIFIER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "stockade"], file


def test_the_commands_that_the_page_shows_really_verify_and_really_refuse(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    commands = [step["command"] or "" for step in verification_steps(SIGNER, "https://localhost:8443")]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(command: str) -> int:
        return subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, check=False
        ).returncode

    (tmp_path / "claims.json").write_bytes(canonical(document()))
    assert [run(command) for command in commands[2:]] == [0, 0]
    altered = document(outcome="fails")
    set_state(altered)
    (tmp_path / "claims.json").write_bytes(canonical(altered))
    assert run(commands[2]) == 0
    assert run(commands[3]) != 0
