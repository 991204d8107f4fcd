"""Folding: texts as they are compared when somebody types a few letters, without case, accents and punctuation.

"zol olow" finds "Żółty Ołówek, 12 szt." by the beginnings of its words. The database folds what is stored and Python
what was typed, by the same table. (An index cannot help: behind a row policy only leakproof functions may use one.)
"""

MOST_WORDS = 4
_PLAIN = {
    "a": "àáâãäåāăą", "c": "çćĉċč", "d": "ďđ", "e": "èéêëēĕėęě", "g": "ĝğġģ", "h": "ĥħ", "i": "ìíîïĩīĭį", "j": "ĵ",
    "k": "ķ", "l": "ĺļľŀł", "n": "ñńņň", "o": "òóôõöøōŏő", "r": "ŕŗř", "s": "śŝşšș", "t": "ţťŧț", "u": "ùúûüũūŭůűų",
    "w": "ŵ", "y": "ýÿŷ", "z": "źżž", " ": ",.;:-_/()[]&+*\"",
}  # fmt: skip
_FROM = "".join(_PLAIN.values())
_TO = "".join(plain * len(marked) for plain, marked in _PLAIN.items())
_TABLE = str.maketrans(_FROM, _TO)


def folded(text: str) -> str:
    """Return a text as it is compared."""
    return text.lower().translate(_TABLE)


def folded_sql(expression: str) -> str:
    """Return the SQL of a text as it is compared, with a space before its first word."""
    return f"' ' || translate(lower({expression}), '{_FROM}', '{_TO}')"


def word_starts(typed: str) -> list[str]:
    """Return the first words that were typed, each with a space before it, so that it is found where a word begins;
    always ``MOST_WORDS`` of them, empty ones last."""
    words = [f" {word}" for word in folded(typed).split()[:MOST_WORDS]]
    return words + [""] * (MOST_WORDS - len(words))
