"""The states of a sign-in, as one table: what was proved, what is wanted, and where that leads.

    identified ──password, link──▶ session      nothing more is wanted
    identified ──any──────────────▶ verify       the address is not proved to be the person's yet
    identified ──password, link──▶ factor       the person has a second factor
    identified ──password, link──▶ enrolment    the organisation demands one, and the person has none yet
    identified ──passkey, sso────▶ session      a passkey is two factors; an organisation's sign-on is its own word
    factor     ──totp, recovery, passkey──▶ session

``enrolment`` is a session that can do nothing but enrol a factor. ``verify`` is no session at all: a letter is on its
way, and following it proves the address (and is a ``link``). An organisation's own sign-on speaks for its domain, so
that whoever comes by it has a proved address. Whatever is not in the table does not happen.
"""

from typing import Literal

Proof = Literal["password", "link", "passkey", "sso", "totp", "recovery"]
State = Literal["identified", "verify", "factor", "enrolment", "session"]
Wanted = Literal["nothing", "verify", "factor", "enrolment"]

TRANSITIONS: dict[tuple[State, Proof, Wanted], State] = {
    ("identified", "password", "verify"): "verify",
    ("identified", "link", "verify"): "verify",
    ("identified", "passkey", "verify"): "verify",
    ("identified", "sso", "verify"): "verify",
    ("identified", "password", "nothing"): "session",
    ("identified", "password", "factor"): "factor",
    ("identified", "password", "enrolment"): "enrolment",
    ("identified", "link", "nothing"): "session",
    ("identified", "link", "factor"): "factor",
    ("identified", "link", "enrolment"): "enrolment",
    ("identified", "passkey", "nothing"): "session",
    ("identified", "sso", "nothing"): "session",
    ("factor", "totp", "nothing"): "session",
    ("factor", "recovery", "nothing"): "session",
    ("factor", "passkey", "nothing"): "session",
}


class NoSuchStep(Exception):
    """A step that the table does not have; the sign-in ends."""


def following(state: State, proof: Proof, wanted: Wanted) -> State:
    """Return the state after a proof; ``NoSuchStep`` for one that is not allowed there."""
    try:
        return TRANSITIONS[state, proof, wanted]
    except KeyError:
        raise NoSuchStep(f"{proof} in {state}, {wanted} wanted") from None


def wanted_after(proof: Proof, *, required: bool, has_second: bool, verified: bool = True) -> Wanted:
    """Return what is wanted besides a first proof, by what the organisation demands and the person has."""
    if not verified:
        return "verify"
    if proof in ("passkey", "sso"):
        return "nothing"
    if has_second:
        return "factor"
    return "enrolment" if required else "nothing"
