"""Masks: what a person without the permission to read a value sees of it.

Pure, total, and never longer than the value.
"""

from collections.abc import Callable

Mask = Callable[[str], str]
HIDDEN = "•••"


def hidden(_value: str) -> str:
    """Show nothing but that there is a value."""
    return HIDDEN


def initials(value: str) -> str:
    """Show the first letter of each of up to three words: ``Ada King`` is ``A. K.``."""
    return " ".join(f"{word[0]}." for word in value.split()[:3]) or HIDDEN


def mail_mask(value: str) -> str:
    """Show the first letter and the domain: ``ada@example.com`` is ``a•••@example.com``."""
    local, at, domain = value.partition("@")
    return f"{local[:1]}{HIDDEN}@{domain}" if at else HIDDEN


def last_four(value: str) -> str:
    """Show the last four characters of something longer than eight."""
    return f"{HIDDEN}{value[-4:]}" if len(value) > 8 else HIDDEN
