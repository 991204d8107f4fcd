"""Signing in and out of the console, and an operator's own password and authenticator."""

import base64
import io
from typing import Any
from urllib.parse import parse_qs, urlsplit

import segno
from litestar.datastructures import Cookie
from litestar.response import Redirect

from stockade.access.routes import verb_of
from stockade.apps.admin.forms import Form
from stockade.apps.admin.reading import Fields
from stockade.apps.platform.routes import form, page, submitted
from stockade.apps.platform.show import HOME, SIGN_IN, VISITOR
from stockade.apps.show import Shown
from stockade.kernel.words import N_
from stockade.platform import api
from stockade.platform.admission import OPERATOR_COOKIE
from stockade.platform.operators import LIFETIME, Authenticator
from stockade.platform.permissions import ANYBODY, OWN
from stockade.platform.routes import Call

TOLD = {
    "password": N_("Your password is changed. Other sessions of yours have ended."),
    "authenticator": N_("Your authenticator is changed. Other sessions of yours have ended."),
}


def operator_cookie(name: str, value: str, seconds: int) -> Cookie:
    """Return a cookie that this origin alone reads and sets, and that no other site's link or form sends along."""
    return Cookie(key=name, value=value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")


@page(SIGN_IN, permission=ANYBODY)
async def show_sign_in(call: Call) -> Shown:
    """Ask for address, password and code, always all three."""
    return Shown("console/sign_in.html", {"form": Form()})


@form(SIGN_IN, permission=ANYBODY)
async def take_sign_in(call: Call, fields: Fields) -> Any:
    """Sign in."""

    async def enter(given: api.SignIn) -> Any:
        bearer = await verb_of(api.sign_in)(call, given)
        cookies = [
            operator_cookie(OPERATOR_COOKIE, bearer.token, int(LIFETIME.total_seconds())),
            operator_cookie(VISITOR, "", 0),
        ]
        return Redirect(HOME, status_code=303, cookies=cookies)

    async def again(typed: Form) -> Shown:
        values = {"email": typed.values.get("email", "")}
        return Shown("console/sign_in.html", {"form": Form(values, typed.errors, typed.problem)})

    return await submitted(_without(fields, "csrf_token"), api.SignIn, enter, again)


@form(f"{HOME}/sign-out", permission=OWN)
async def take_sign_out(call: Call, fields: Fields) -> Any:
    """End the session."""
    await verb_of(api.sign_out)(call)
    return Redirect(SIGN_IN, status_code=303, cookies=[operator_cookie(OPERATOR_COOKIE, "", 0)])


@page(f"{HOME}/security", permission=OWN)
async def show_security(call: Call) -> Shown:
    """One's own password and authenticator."""
    told = TOLD.get(call.request.query_params.get("done", ""))
    return Shown("console/security.html", {"told": told})


@page(f"{HOME}/password", permission=OWN)
async def show_password(call: Call) -> Shown:
    """Ask for a new password; after the first sign-in there is nothing else to see."""
    return _password_page(Form())


@form(f"{HOME}/password", permission=OWN)
async def take_password(call: Call, fields: Fields) -> Any:
    """Change the password."""

    async def change(given: api.NewPassword) -> str:
        await verb_of(api.new_password)(call, given)
        return f"{HOME}/security?done=password"

    async def again(typed: Form) -> Shown:
        return _password_page(typed)

    return await submitted(fields, api.NewPassword, change, again)


@form(f"{HOME}/authenticator", permission=OWN)
async def take_authenticator_wish(call: Call, fields: Fields) -> Shown:
    """Offer a new authenticator. By a form, because the page holds a secret that no history should."""
    offered: Authenticator = await verb_of(api.new_authenticator)(call)
    return _authenticator_page(offered.address, Form({"sealed": offered.sealed}))


@form(f"{HOME}/authenticator/confirm", permission=OWN)
async def take_authenticator_code(call: Call, fields: Fields) -> Any:
    """Take the new authenticator by its code; a wrong one is asked for again, with the same offer."""

    async def change(given: api.AuthenticatorTaken) -> str:
        await verb_of(api.confirm_authenticator)(call, given)
        return f"{HOME}/security?done=authenticator"

    async def again(typed: Form) -> Shown:
        return _authenticator_page("", Form({"sealed": fields.get("sealed", "")}, typed.errors, typed.problem))

    return await submitted(fields, api.AuthenticatorTaken, change, again)


def _password_page(typed: Form) -> Shown:
    return Shown("console/password.html", {"form": typed})


def _authenticator_page(address: str, typed: Form) -> Shown:
    """Show the offer as a picture and for typing; where it was shown before and only the code was wrong, neither."""
    drawn, seed = io.BytesIO(), ""
    if address:
        segno.make(address, error="m", micro=False).save(drawn, kind="svg", scale=5, border=2, light="white")
        seed = parse_qs(urlsplit(address).query)["secret"][0]
    picture = "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode() if address else ""
    return Shown("console/authenticator.html", {"picture": picture, "seed": seed, "form": typed})


def _without(fields: Fields, *names: str) -> Fields:
    return {name: value for name, value in fields.items() if name not in names}


ROUTES = (
    show_sign_in, take_sign_in, take_sign_out, show_security, show_password, take_password, take_authenticator_wish,
    take_authenticator_code,
)  # fmt: skip
