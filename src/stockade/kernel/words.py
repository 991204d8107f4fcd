"""Words for people, marked where they are written so that they can be translated where they are shown.

    N_("Orders")                                            a constant; whoever shows it translates it
    said("Only {available} of {sku} are left.", available=3, sku="A-1")     a sentence with values

``said`` is an ordinary ``str`` in English; it remembers its pattern and values, so that a page can say it in another
language. ``tools/words.py`` collects both kinds into the catalogues.
"""

from collections.abc import Callable, Mapping
from typing import Any


def N_(text: str) -> str:  # noqa: N802  # gettext's own name for "translate later"
    """Return the text as it is; the mark is what matters."""
    return text


class Said(str):
    """A sentence that knows the pattern and the values that it was made of."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: Mapping[str, Any]

    def translated(self, translate: Callable[[str], str], show: Callable[[Any], str]) -> str:
        """Return the sentence in another language; ``show`` writes a value down in that language's way."""
        return translate(self.pattern).format(**{name: show(value) for name, value in self.values.items()})


def said(pattern: str, **values: Any) -> Said:
    """Return the pattern with its values filled in; ``KeyError`` if one is missing."""
    made = Said(pattern.format(**values))
    made.pattern, made.values = pattern, values
    return made
