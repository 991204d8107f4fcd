"""Guessing at passwords: from one address, from many, and that nobody else is held up by it (claim B9)."""

import os
from datetime import timedelta

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.controls.sessions import CannotSignIn, Form, Forms, post
from stockade.web.wire import HTML, Line

_GUESSES = 8
_LOOKED_AT, _BRAKED = 401, 429


@control(
    id="identity.guessing-braked", claims=("B9",), every=timedelta(hours=1), max_age=timedelta(hours=3),
    standards=("OWASP ASVS 5.0 V6.3", "NIST SP 800-63B 5.2.2", "SOC 2 CC6.1"),
    statement="Wrong passwords are braked after a few, from one address and from many, whether or not there is such an "
    "account, while others who sign in are not held up.",
)  # fmt: skip
async def guessing_braked(installation: Installation) -> Finding:
    """Guess at accounts that do not exist, from one address and from eight, and then at another one."""
    wrong: list[str] = []
    try:
        async with Line(installation) as line:
            if line.source is None:
                return Finding(False, "It cannot be checked: this system gives no addresses to guess from.")
            one = [await _guess(line, target) for target in [_somebody()] * _GUESSES]
        target, many = _somebody(), []
        for _ in range(_GUESSES):
            async with Line(installation) as line:
                many.append(await _guess(line, target))
        async with Line(installation) as line:
            other = await _guess(line, _somebody())
    except CannotSignIn as reason:
        return Finding(False, f"It cannot be checked: {reason}.")
    if one[0] != _LOOKED_AT or one[-1] != _BRAKED:
        wrong.append(f"guesses from one address were answered with {one}")
    if many[0] != _LOOKED_AT or many[-1] != _BRAKED:
        wrong.append(f"guesses from many addresses were answered with {many}")
    if other != _LOOKED_AT:
        wrong.append(f"somebody else was answered with {other}")
    return finding(2 * _GUESSES + 1, "wrong passwords", wrong)


def _somebody() -> str:
    return f"{os.urandom(8).hex()}@controls.invalid"


async def _guess(line: Line, email: str) -> int:
    """Bring a wrong password as a browser does; return the status of the answer."""
    opened = await line.ask("GET", "/sign-in", {"Accept": HTML})
    form = Forms(opened.body).to("/sign-in")
    cookies = "; ".join(text.partition(";")[0] for text in opened.all("set-cookie"))
    filled = Form(form.action, form.fields | {"email": email, "password": os.urandom(9).hex()})
    return (await post(line, filled, cookies)).status
