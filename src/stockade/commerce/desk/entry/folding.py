"""Folding: texts as they are compared when somebody types a few letters, without case, accents and punctuation.

"zol olow" finds "Żółty Ołówek, 12 szt." by the beginnings of its words. The database folds what is stored and Python
what was typed, by the same table. (An index cannot help: behind a row policy only leakproof functions may use one.)
"""

MOST_WORDS = 4
_SEPARATORS = ',.;:-_/()&*"'
_PLAIN = {
    "a": "àáâãäåą", "c": "çćč", "d": "ď", "e": "èéêëęě", "i": "ìíîï", "l": "ł", "n": "ñńň", "o": "òóôõöøő", "r": "ř",
    "s": "śšș", "t": "ťț", "u": "ùúûüůű", "y": "ý", "z": "źżž",
}  # fmt: skip
"""Letters of Europe's languages; not more, since PostgreSQL compares each letter of each name with all of them."""
_FROM = "".join(_PLAIN.values()) + _SEPARATORS
_TO = "".join(plain * len(marked) for plain, marked in _PLAIN.items()) + " " * len(_SEPARATORS)
_TABLE = str.maketrans(_FROM, _TO)


def folded(text: str) -> str:
    """Return a text as it is compared."""
    return text.lower().translate(_TABLE)


def folded_sql(expression: str) -> str:
    """Return the SQL of a text as it is compared, with a space before its first word.

    Plain ASCII takes a short way: no accents to take off, and no locale to ask for small letters.
    """
    separated = f"translate(lower({expression} collate \"C\"), '{_SEPARATORS}', '{' ' * len(_SEPARATORS)}')"
    marked = f"translate(lower({expression}), '{_FROM}', '{_TO}')"
    return f"' ' || case when octet_length({expression}) = length({expression}) then {separated} else {marked} end"


def word_starts(typed: str) -> list[str]:
    """Return the first words that were typed, each with a space before it, so that it is found where a word begins;
    always ``MOST_WORDS`` of them, empty ones last."""
    words = [f" {word}" for word in folded(typed).split()[:MOST_WORDS]]
    return words + [""] * (MOST_WORDS - len(words))
