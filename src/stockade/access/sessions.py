"""One's own sessions through the API, and the proof that what is sensitive wants to be recent."""

from typing import Annotated
from uuid import UUID

import msgspec

from stockade.access.factors import MANAGE_OWN, READ_OWN, PeopleOnly, require_person, sealer_of
from stockade.access.routes import AnyRequest, get, post
from stockade.identity.service import sessions
from stockade.identity.service.sessions import SessionRow
from stockade.identity.signing_in import recent
from stockade.identity.signing_in.flow import FactorRefused
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Transaction


class Ended(msgspec.Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


class Proved(msgspec.Struct, frozen=True):
    """That the session is trusted with what is sensitive, and for how many seconds."""

    seconds: int


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """A code of the authenticator app, or a recovery code."""

    code: Annotated[str, msgspec.Meta(min_length=6, max_length=40, pattern=r"^[0-9A-Za-z -]+$")]


@get("/me/sessions", permission=READ_OWN, problems=[PeopleOnly])
async def list_own_sessions(tx: Transaction) -> list[SessionRow]:
    """List one's own sessions in this organisation, the one that asks first."""
    require_person(tx.principal)
    return await sessions.list_own_sessions(tx)


@post("/me/sessions/{session_id:uuid}/end", permission=MANAGE_OWN, problems=[PeopleOnly, NotFound])
async def end_own_session(tx: Transaction, session_id: UUID) -> Ended:
    """End one of one's own sessions; it is refused from the next request on."""
    require_person(tx.principal)
    await sessions.end_own_session(tx, session_id)
    return Ended(1)


@post("/me/sessions/end-others", permission=MANAGE_OWN, problems=[PeopleOnly])
async def end_other_sessions(tx: Transaction) -> Ended:
    """End every session of one's own but the one that asks."""
    require_person(tx.principal)
    return Ended(await sessions.end_other_sessions(tx))


@post("/me/proof", permission=READ_OWN, problems=[PeopleOnly, FactorRefused])
async def prove_again(tx: Transaction, request: AnyRequest, data: Code) -> Proved:
    """Prove again who one is, for what is sensitive. It holds for ten minutes."""
    require_person(tx.principal)
    await recent.prove(tx, request.app.state.database, sealer_of(request), data.code)
    return Proved(recent.RECENT_SECONDS)


ROUTES = [list_own_sessions, end_own_session, end_other_sessions, prove_again]
