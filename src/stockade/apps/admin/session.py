"""Whether anybody is signed in: a page that was open for long asks before it sends a form, so that nothing is lost."""

import msgspec

from stockade.access.permissions import PUBLIC
from stockade.access.routes import get, opened
from stockade.apps.show import AnyRequest
from stockade.tenancy.transaction import Unauthenticated


class Session(msgspec.Struct, frozen=True):
    """Who is signed in (tenant and person, empty for nobody), and a CSRF token of this session for the page's forms."""

    owner: str
    csrf_token: str


@get("/session", permission=PUBLIC, include_in_schema=False)
async def show_session(request: AnyRequest) -> Session:
    """Say who is signed in, by the database's word: what a process remembers may have ended.

    Other origins cannot read the answer: the only ones that may read anything do so without cookies.
    """
    owner = ""
    if request.scope["state"]["principal"] is not None:
        try:
            async with opened(request) as tx:
                owner = f"{tx.tenant_id} {tx.principal.actor_id}"
        except Unauthenticated:
            pass
    return Session(owner, request.app.state.shower.csrf_token(request))


ROUTES = (show_session,)
