"""What a file may hold at most, and how it is refused."""

from typing import Any

from stockade.kernel.words import Said, said

MOST_LINES = 100_000
MOST_COLUMNS = 200
MOST_CELL = 4_000
MOST_TEXT = 60_000_000
"""How many characters all cells together may have."""


class Refused(Exception):
    """A file that cannot be imported; ``text`` says why, to the person who sent it."""

    def __init__(self, pattern: str, **values: Any) -> None:
        self.text: Said = said(pattern, **values)
        super().__init__(self.text)
