"""What the letters say, in English, and how that becomes a letter in the language of whoever asked."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from stockade.kernel.clock import now
from stockade.kernel.words import N_
from stockade.mail.letters import Letter
from stockade.web.languages import DEFAULT, LOCALES, language

SENDER = "Stockade"


class Words(msgspec.Struct, frozen=True):
    """A letter's subject, its paragraphs, and what its button says."""

    subject: str
    paragraphs: tuple[str, ...]
    button: str


NOT_ASKED = N_("If you did not ask for this, there is nothing to do: nobody has come in, and the link ends by itself.")
ONE_BROWSER = N_("The link works once, for 15 minutes, and only in the browser in which you asked for it.")
INVITATION = Words(
    N_("Your invitation"),
    (
        N_("Somebody gave you a place in their company's Stockade. The link below signs you in and shows that this "
           "address is yours."),
        N_("It works once, within 24 hours. Do not pass it on: whoever holds it comes in as you."),
        N_("If you do not know the company, leave this letter alone: without the link nothing happens."),
    ),
    N_("Accept the invitation"),
)  # fmt: skip
VERIFY = Words(
    N_("Confirm your e-mail address"),
    (
        N_("Before you can sign in, show that this address is yours. The link below does that and signs you in."),
        N_("It works once, within 24 hours. Do not pass it on: whoever holds it comes in as you."),
        N_("If you did not try to sign in, leave this letter alone: without the link nothing happens."),
    ),
    N_("Confirm the address"),
)
RESET = Words(
    N_("Set a new password"),
    (
        N_("Somebody, probably you, asked for a new password for your account. Your old one works until you set it."),
        ONE_BROWSER, NOT_ASKED,
    ),
    N_("Set a new password"),
)  # fmt: skip
SIGN_IN = Words(
    N_("Your sign-in link"),
    (N_("Somebody, probably you, asked for a link to sign in with."), ONE_BROWSER, NOT_ASKED),
    N_("Sign in"),
)
NO_PASSWORDS = Words(
    N_("Your sign-in link"),
    (
        N_("Somebody, probably you, asked for a new password. Your company signs in without passwords, so this link "
           "lets you in instead."),
        ONE_BROWSER, NOT_ASKED,
    ),
    N_("Sign in"),
)  # fmt: skip
BY_SIGN_ON = Words(
    N_("How you sign in"),
    (
        N_("Somebody, probably you, asked for a way in. Your company has you sign in by its own sign-on, so there is "
           "no password here and no link by mail."),
        N_("If you did not ask for this, there is nothing to do."),
    ),
    N_("Sign in by your organisation"),
)  # fmt: skip
NEW_ADDRESS = Words(
    N_("Confirm your new e-mail address"),
    (
        N_("This address is to become the one that you sign in with. It counts once you have confirmed it, signed in "
           "to your account. The link works once, within 24 hours."),
        N_("If you did not ask for this, somebody mistyped their address: leave this letter alone."),
    ),
    N_("Confirm the address"),
)  # fmt: skip
ADDRESS_CHANGED = Words(
    N_("The e-mail address of your account was changed"),
    (
        N_("You sign in with another address from now on, and letters go there. If this was you, there is nothing to "
           "do."),
        N_("If it was not, the link below brings this address back, ends every session and makes the password "
           "worthless, so that only you set a new one. It works once, for 7 days."),
    ),
    N_("Undo the change"),
)  # fmt: skip
WHEN, ASKED_FROM, NEW, COMPANY, INVITED_BY = (
    N_("When"), N_("Asked from"), N_("New address"), N_("Company"), N_("Invited by"),
)  # fmt: skip
INVITATION_VALID = VERIFY_VALID = timedelta(hours=24)
ASKED_VALID = timedelta(minutes=15)


def letter_of(words: Words, *, to: str, link: str, locale: str, facts: Sequence[tuple[str, str]] = ()) -> Letter:
    """Return the letter in a language, with its link as the one thing to do; English for a language nobody speaks."""
    spoken = language(locale if locale in LOCALES else DEFAULT)
    return Letter(
        to=to, subject=spoken.say(words.subject), body="\n\n".join(map(spoken.say, words.paragraphs)),
        sender_name=SENDER, action=(spoken.say(words.button), link), locale=spoken.code,
        facts=[(spoken.say(label), value) for label, value in facts],
    )  # fmt: skip


def moment() -> str:
    """Return this minute, as letters say it."""
    return f"{now():%Y-%m-%d %H:%M} UTC"
