"""From evidence to states."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from tests.trust.samples import MINUTE, OTHER_SIGNER, SIGNER, holds, toy

from stockade.kernel.control import Control
from stockade.trust.claims import Claim, Group
from stockade.trust.evidence import EvidenceSigner, Outcome, Recorded, Result, canonical, statement_of
from stockade.trust.state import ALTERED, NEVER_RUN, TrustState, judge

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
GROUPS = (Group("A", "a", (Claim("A1", "A", "One."), Claim("A2", "A", "Two."))),)
FIRST, SECOND = toy("first", holds, "A1"), toy("second", holds, "A1")


def evidence(
    control: Control, *, age: timedelta = MINUTE, outcome: Outcome = "holds", signer: EvidenceSigner = SIGNER
) -> Recorded:
    """A control's evidence of some age."""
    at = AT - age
    result = Result(control.id, control.claims, control.statement, outcome, f"{outcome}.", (), at, at, 1, 300)
    statement = statement_of(result, signer, 1, bytes(32))
    return Recorded(
        control.id, statement, hashlib.sha256(canonical(statement)).digest(), signer.sign(canonical(statement))
    )


def judged(*found: Recorded, controls: tuple[Control, ...] = (FIRST, SECOND)) -> TrustState:
    return judge(GROUPS, controls, {item.control: item for item in found}, SIGNER.public_key, AT)


def state_of_a1(*found: Recorded) -> str:
    return judged(*found).claims[0].state


def test_a_claim_holds_when_every_control_of_it_holds_and_is_fresh() -> None:
    assert state_of_a1(evidence(FIRST), evidence(SECOND)) == "holds"


def test_a_claim_fails_when_one_of_its_controls_fails() -> None:
    assert state_of_a1(evidence(FIRST), evidence(SECOND, outcome="fails")) == "fails"


def test_a_claim_is_stale_when_a_control_has_not_run_within_its_maximum_age() -> None:
    assert state_of_a1(evidence(FIRST), evidence(SECOND, age=6 * MINUTE)) == "stale"


def test_a_claim_is_stale_when_a_control_has_never_run() -> None:
    claim = judged(evidence(FIRST)).claims[0]
    assert (claim.state, claim.controls[0].result) == ("stale", NEVER_RUN)


def test_a_claim_without_a_control_is_absent() -> None:
    assert judged(evidence(FIRST), evidence(SECOND)).claims[1].state == "absent"


def test_an_old_failure_does_not_turn_into_mere_staleness() -> None:
    assert state_of_a1(evidence(FIRST, age=600 * MINUTE, outcome="fails"), evidence(SECOND)) == "fails"


def test_evidence_from_the_future_does_not_stay_fresh() -> None:
    assert state_of_a1(evidence(FIRST, age=-60 * MINUTE), evidence(SECOND)) == "stale"


def test_evidence_that_was_altered_counts_as_a_failure() -> None:
    genuine = evidence(FIRST, outcome="fails")
    altered: dict[str, Any] = genuine.statement | {"outcome": "holds"}
    forged = msgspec.structs.replace(
        genuine, statement=altered, evidence_hash=hashlib.sha256(canonical(altered)).digest()
    )
    claim = judged(forged, evidence(SECOND)).claims[0]
    assert (claim.state, claim.controls[0].result) == ("fails", ALTERED)


def test_evidence_signed_by_another_key_counts_as_a_failure() -> None:
    assert state_of_a1(evidence(FIRST, signer=OTHER_SIGNER), evidence(SECOND)) == "fails"


def test_evidence_of_another_control_under_this_ones_name_counts_as_a_failure() -> None:
    copied = msgspec.structs.replace(evidence(SECOND), control="first")
    assert state_of_a1(copied, evidence(SECOND)) == "fails"


def test_the_counts_are_of_claims_and_add_up() -> None:
    assert judged(evidence(FIRST), evidence(SECOND)).counts == {"holds": 1, "fails": 0, "stale": 0, "absent": 1}
