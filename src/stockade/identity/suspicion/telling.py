"""Telling: the person hears at once what was unlike them, and what to do if it was not them."""

from datetime import datetime
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.suspicion.rules import Judgement, Kind, Suspicion
from stockade.kernel.problems import Problem
from stockade.kernel.words import N_
from stockade.mail.letters import Letter
from stockade.mail.sending import send
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction

SENDER = "Stockade"
KIND_LABELS: dict[Kind, str] = {
    "new_country": N_("Sign-in from a new country"),
    "new_device": N_("Sign-in with a new device"),
    "impossible_travel": N_("Two sign-ins that are too far apart"),
    "abnormal_rate": N_("Far more requests than usual"),
    "bulk_export": N_("Far more rows exported than usual"),
    "lockout": N_("Too many wrong passwords"),
    "token_reuse": N_("A token was used twice"),
}
_WHAT_TO_DO = (
    "If this was you, there is nothing to do.\n\nIf it was not, end your other sessions in the security settings, "
    "change your password or passkey, and tell an administrator of your organisation."
)
_LOCKED = "Your account is locked until an administrator of your organisation has looked at it."


class Told(msgspec.Struct, frozen=True):
    """Who is written to."""

    email: str
    name: str


_PERSON = raw("select email, name from identity.people() where account_id = $1 and state = 'active'", "id", Told)
_OF_KEY = raw(
    "select p.email, p.name from identity.api_key k join identity.people() p on p.account_id = k.created_by "
    "where k.tenant_id = $1 and k.id = $2 and p.state = 'active'",
    "this_tenant id",
    Told,
)


async def tell(
    tx: Transaction, actor_id: UUID, actor: ActorKind, found: list[Suspicion], judgement: Judgement, at: datetime
) -> None:
    """Write one letter about everything that was found: to the person, or to whoever issued the key.

    A tenant that has used up its letters for this hour signs in all the same: the alert stands in the list.
    """
    person = await (_OF_KEY if actor is ActorKind.API_KEY else _PERSON).first(tx, id=actor_id)
    if person is None:
        return
    facts = [("When", f"{at:%Y-%m-%d %H:%M} UTC")]
    for item in found:
        facts += [(KIND_LABELS[item.kind], "; ".join(_lines(item)))]
    letter = Letter(
        to=person.email, subject=f"Security alert: {KIND_LABELS[found[0].kind].lower()}", sender_name=SENDER,
        body=f"{_LOCKED}\n\n{_WHAT_TO_DO}" if judgement.action == "lock" else _WHAT_TO_DO, facts=facts,
    )  # fmt: skip
    try:
        await send(tx, letter)
    except Problem:
        return


def _lines(item: Suspicion) -> list[str]:
    return [f"{name.replace('_', ' ')}: {_text(value)}" for name, value in item.evidence.items() if value is not None]


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
