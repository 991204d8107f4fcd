"""Numbers, amounts and dates as a reader of each language expects them, and text made safe to typeset."""

import re
import unicodedata
from datetime import date
from decimal import Decimal

import msgspec

from stockade.documents.model import Locale, VatCategory
from stockade.kernel.money import Money, exponent_of

NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"
ZERO_WIDTH_SPACE = "\u200b"
UNIT_PRICE_PLACES = 6
LONG_WORD = 18
"""Words longer than this may be broken, so that none runs out of its column."""

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MARKS: dict[Locale, dict[VatCategory, str]] = {
    "en": {"E": "exempt", "AE": "RC", "K": "IC", "G": "EX", "O": "n/a"},
    "pl": {"E": "zw.", "AE": "oo", "K": "WDT", "G": "EX", "O": "np."},
}
"""What stands beside or instead of the rate when VAT is not simply charged."""


class Separators(msgspec.Struct, frozen=True):
    """How a language writes a number (CLDR): between thousands, and before the decimals."""

    thousands: str
    decimal: str


SEPARATORS: dict[Locale, Separators] = {"en": Separators(",", "."), "pl": Separators(NO_BREAK_SPACE, ",")}


def number(value: Decimal | int, places: int, locale: Locale) -> str:
    """Return a number with exactly so many decimals: 1,234.50 in English, 1 234,50 in Polish."""
    signs = SEPARATORS[locale]
    plain = f"{abs(value):,.{places}f}".replace(",", "\0").replace(".", signs.decimal).replace("\0", signs.thousands)
    return MINUS + plain if value < 0 and plain.strip("0" + signs.decimal) else plain


def trimmed(value: Decimal, least: int, locale: Locale) -> str:
    """Return a number with at least so many decimals, and as many more (six at most) as it really has."""
    exact = value.quantize(Decimal(1).scaleb(-UNIT_PRICE_PLACES)).normalize()
    exponent = exact.as_tuple().exponent
    return number(exact, max(least, -exponent if isinstance(exponent, int) else 0), locale)


def amount(money: Money, locale: Locale) -> str:
    """Return the amount alone, with the decimals that its currency has (JPY none, KWD three)."""
    places = exponent_of(money.currency)
    return number(Decimal(money.amount_minor).scaleb(-places), places, locale)


def amount_with_currency(money: Money, locale: Locale) -> str:
    """Return the amount and its ISO 4217 code: GBP 1,234.56 in English, 1 234,56 PLN in Polish."""
    parts = (amount(money, locale), money.currency) if locale == "pl" else (money.currency, amount(money, locale))
    return NO_BREAK_SPACE.join(parts)


def unit_price(value: Decimal, currency: str, locale: Locale) -> str:
    """Return a unit price: the currency's decimals, and more only where the price has them."""
    return trimmed(value, exponent_of(currency), locale)


def per_cent(value: Decimal, locale: Locale) -> str:
    """Return a percentage without needless decimals: 20%, 8.5%."""
    return trimmed(value, 0, locale) + "%"


def vat_rate(rate: Decimal, category: VatCategory, locale: Locale) -> str:
    """Return the rate as a line shows it, marked when VAT is exempt, reversed or outside its scope."""
    mark = MARKS[locale].get(category)
    if mark is None:
        return per_cent(rate, locale)
    return mark if category in ("E", "O") else f"{per_cent(rate, locale)}{NO_BREAK_SPACE}{mark}"


def day(value: date, locale: Locale) -> str:
    """Return a date: 5 March 2026 in English, 05.03.2026 in Polish."""
    if locale == "pl":
        return value.strftime("%d.%m.%Y")
    return NO_BREAK_SPACE.join((str(value.day), MONTHS[value.month - 1], str(value.year)))


def short_day(value: date, locale: Locale) -> str:
    """Return a date for a column of dates: 5 Mar 2026 in English, 05.03.2026 in Polish."""
    if locale == "pl":
        return day(value, locale)
    return NO_BREAK_SPACE.join((str(value.day), MONTHS[value.month - 1][:3], str(value.year)))


def iban(value: str) -> str:
    """Return an IBAN in groups of four, as ISO 13616 prints it."""
    compact = re.sub(r"\s", "", value).upper()
    return NO_BREAK_SPACE.join(compact[at : at + 4] for at in range(0, len(compact), 4))


def printable(text: str, longest: int = LONG_WORD) -> str:
    """Return text that can be typeset: no control characters, and long words allowed to break.

    Bidirectional overrides go, too: with U+202E a product name could show its own figures reversed on a printed
    invoice ("Trojan Source"). Right-to-left text itself needs no override and stays.
    """
    kept = "".join(character for character in text if character == "\n" or _can_be_set(character))
    return re.sub(rf"\S{{{longest + 1},}}", lambda word: _breakable(word.group(), longest), kept)


def _can_be_set(character: str) -> bool:
    """Tell whether a character is one: not a control, a lone surrogate, a non-character or a direction override."""
    if "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069":
        return False
    return unicodedata.category(character) not in ("Cc", "Cs", "Cn")


def _breakable(word: str, longest: int) -> str:
    """Return the word with invisible places to break, never between a letter and its combining mark."""
    pieces, since = [], 0
    for character in word:
        if since >= longest // 2 and not unicodedata.combining(character) and character != "\u200d":
            pieces.append(ZERO_WIDTH_SPACE)
            since = 0
        pieces.append(character)
        since += 1
    return "".join(pieces)
