"""How guessable a password is: its length, zxcvbn's estimate, and a list of leaked ones (NIST SP 800-63B 3.1.1.2).

No rule asks for capitals or digits. What is known about the person counts as words that a guesser tries first.
"""

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zxcvbn import zxcvbn

from stockade.identity.passwords.breached import is_breached
from stockade.identity.passwords.hashing import LONGEST, in_pool
from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_, said

MINIMUM_LENGTH = 12
LEAST_SCORE = 3
"""Of zxcvbn's 0 to 4: beyond 10^8 guesses."""
_WEIGHED = 72
"""zxcvbn's time grows with the square of the length; what is strong within this is strong with more."""
_OURS = ("stockade",)
_WEIGHING = threading.Lock()
"""zxcvbn keeps the words about a person in a dictionary that all calls share: two at once would mix them up."""
_WHY = {
    "user_inputs": N_("This password is made of what is known about you. Use words that have nothing to do with you."),
    "passwords": N_("This password is like one that many people use. Use a few words that do not belong together."),
    "word": N_("This password is a common word or name. Use a few words that do not belong together."),
    "spatial": N_("This password is a pattern on the keyboard. Use a few words that do not belong together."),
    "repeat": N_("This password repeats itself. Use a few words that do not belong together."),
    "sequence": N_("This password is a row of letters or digits. Use a few words that do not belong together."),
    "date": N_("This password is a date or a year. Use a few words that do not belong together."),
    "other": N_("This password is too easy to guess. Use a few words that do not belong together."),
}


async def require_strong(password: str, about: Sequence[str] = (), *, breached: Path | None = None) -> None:
    """Refuse a password that is too short, too long, easy to guess or leaked: ``Invalid`` with a sentence that helps.

    ``about`` is what is known of the person: name, e-mail address, organisation. ``breached``: the file of leaked ones.
    """
    if not MINIMUM_LENGTH <= len(password) <= LONGEST:
        raise Invalid(
            said(
                "A password has {minimum_length} to {maximum_length} characters.",
                minimum_length=MINIMUM_LENGTH,
                maximum_length=LONGEST,
            ),
            field="password",
        )
    if weakness := await in_pool(lambda: weakness_of(password, about)):
        raise Invalid(weakness, field="password")
    if breached is not None and await in_pool(lambda: is_breached(breached, password)):
        raise Invalid(
            said("This password was in a leak of passwords, and guessers try it early. Choose another one."),
            field="password",
        )


def weakness_of(password: str, about: Sequence[str] = ()) -> str | None:
    """Return why a password is too easy to guess, None if it is not."""
    with _WEIGHING:
        found = zxcvbn(password[:_WEIGHED], user_inputs=_words_of(about))
    return None if found["score"] >= LEAST_SCORE else said(_WHY[_kind_of(found["sequence"])])


def _words_of(about: Sequence[str]) -> list[str]:
    """What a guesser makes of names and addresses: as they are, their parts, and the parts run together."""
    found = dict.fromkeys(_OURS)
    for text in about:
        parts = [part for part in re.split(r"[\W_]+", text.lower()) if len(part) > 2]
        found |= dict.fromkeys((text.lower(), *parts, "".join(parts)))
    return [word for word in found if word]


def _kind_of(sequence: Sequence[dict[str, Any]]) -> str:
    """The kind of the longest thing that zxcvbn recognised."""
    longest = max(sequence, key=lambda match: len(match["token"]), default={"pattern": "other"})
    pattern = str(longest["pattern"])
    if pattern == "dictionary":
        name = str(longest["dictionary_name"])
        return name if name in _WHY else "word"
    return "date" if pattern == "regex" else pattern if pattern in _WHY else "other"
