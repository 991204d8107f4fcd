"""What may stand in a letter's head: addresses and lines without a control character.

A line break in an address or a subject would begin a header of the writer's choosing (CWE-93); other control and
bidirectional characters make a name read as another one.
"""

import re
from typing import Annotated

import msgspec

from stockade.kernel.problems import Invalid

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
ADDRESS_PATTERN = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+(?!\n)$"
LINE_PATTERN = rf"^[^\s{_CONTROL}](?:[^{_CONTROL}]*[^\s{_CONTROL}])?(?!\n)$"
TEXT_PATTERN = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$"

Address = Annotated[str, msgspec.Meta(max_length=254, pattern=ADDRESS_PATTERN, examples=["ada@example.com"])]
"""One address as HTML defines it, in ASCII, with a dot in its domain: no list of them, no name beside it."""
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=LINE_PATTERN)]
"""One line of 1 to 200 characters."""
Lines = Annotated[str, msgspec.Meta(max_length=5000, pattern=TEXT_PATTERN)]
"""Up to 5,000 characters in any number of lines."""
_ADDRESS, _LINE = re.compile(ADDRESS_PATTERN), re.compile(LINE_PATTERN)


def checked_address(text: str, field: str) -> str:
    """Return the address if it is one that a letter can go to; else raise ``Invalid`` at the field."""
    if len(text) > 254 or not _ADDRESS.match(text):
        raise Invalid("Write one e-mail address, like ada@example.com.", field=field)
    return text


def checked_line(text: str, field: str) -> str:
    """Return the line if it can stand in a letter's head; else raise ``Invalid`` at the field."""
    if len(text) > 200 or not _LINE.match(text):
        raise Invalid("Write one line of up to 200 characters.", field=field)
    return text
