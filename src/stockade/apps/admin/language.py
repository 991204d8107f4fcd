"""Choosing the language of pages, in this browser, signed in or not."""

from typing import Any

from litestar.response import Redirect

from stockade.access.permissions import PUBLIC
from stockade.apps.admin.routes import Fields, form
from stockade.apps.admin.sign_in import local_path
from stockade.apps.show import LOCALE_COOKIE, AnyRequest
from stockade.kernel.problems import Invalid
from stockade.web.cookies import session_cookie
from stockade.web.languages import LOCALES

KEPT_SECONDS = 365 * 24 * 3600


@form("/language", permission=PUBLIC)
async def take_language(request: AnyRequest, fields: Fields) -> Any:
    """Speak another language from now on, and go back to the page that asked."""
    wanted = fields.get("locale", "")
    if wanted not in LOCALES:
        raise Invalid("Pages do not speak this language.", field="locale")
    answer = Redirect(local_path(fields.get("next", "")), status_code=303)
    answer.headers["set-cookie"] = session_cookie(LOCALE_COOKIE, wanted, KEPT_SECONDS)[1].decode()
    return answer


ROUTES = (take_language,)
