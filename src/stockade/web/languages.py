"""Languages: the catalogue of words of each, and how it writes numbers, dates, moments and money (Babel, CLDR).

A catalogue is a PO file beside this module, read at the start: there is nothing to compile. English texts are their own
keys, so that English needs none.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, parse_decimal
from babel.support import NullTranslations, Translations

from stockade.kernel.clock import now
from stockade.kernel.money import Money, exponent_of
from stockade.kernel.words import Said

CATALOGUES = Path(__file__).parent / "catalogues"
LOCALES: Mapping[str, str] = {"en": "en_GB", "pl": "pl_PL"}
"""The languages that pages speak, and the region whose habits (day before month, decimal comma) each follows."""
DEFAULT = "en"
_NBSP = "\N{NO-BREAK SPACE}"
_DOTTED = frozenset({"en"})
"""The languages in which a point may stand in a number; elsewhere 1.234 might mean a thousand or one and a bit."""
_NO_NUMBER = re.compile(r"[^0-9.,+-]")


class Language:
    """One language: ``gettext`` and ``ngettext`` for words, the other functions for values."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.locale = Locale.parse(LOCALES[code])
        self.words = _words(code)
        self.gettext: Callable[[str], str] = self.words.ugettext
        self.ngettext: Callable[[str, str, int], str] = self.words.ungettext

    @property
    def name(self) -> str:
        """Its own name for itself: ``English``, ``polski``."""
        return str(Locale.parse(self.code).get_display_name())

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of templates, by name."""
        shown: dict[str, Callable[..., Any]] = {
            name: partial(write, locale=self.code) for name, write in _WRITERS.items()
        }
        return shown | {"said": self.say, "pair": lambda text: (text, text), "countries": self.countries}

    def countries(self, codes: Iterable[str]) -> list[tuple[str, str]]:
        """Return ISO 3166-1 codes with what this language calls the countries, by name."""
        named = [(code, self.locale.territories.get(code, code)) for code in codes]
        return sorted(named, key=lambda pair: unicodedata.normalize("NFKD", pair[1]).casefold())

    def say(self, text: str) -> str:
        """Return a text in this language: a constant by its catalogue, a ``Said`` with its values, else as it is."""
        if isinstance(text, Said):
            return text.translated(self.gettext, self.show)
        return self.gettext(text) if text else ""  # gettext answers "" with the catalogue's head

    def show(self, value: Any) -> str:
        """Write a value down as this language does, by its type; other types as ``str`` does."""
        for kind, write in _BY_TYPE:
            if isinstance(value, kind):
                return write(value, locale=self.code)
        return str(value)


@cache
def language(code: str) -> Language:
    """Return a language, read once; ``KeyError`` if pages do not speak it."""
    return Language(code)


def chosen(preferred: str | None, accepted: str) -> str:
    """Return the language to speak: the one that was chosen here, else the best of an Accept-Language header."""
    if preferred is not None and preferred in LOCALES:
        return preferred
    wanted = [part.partition(";")[0].strip().replace("-", "_") for part in accepted[:200].split(",")]
    best: str | None = negotiate_locale(wanted, list(LOCALES), sep="_")
    return best or DEFAULT


def money(value: Money, locale: str = DEFAULT) -> str:
    """Return an amount in major units with its currency: ``1,234.50 EUR``, in Polish ``1 234,50 EUR``."""
    amount = Decimal(value.amount_minor).scaleb(-exponent_of(value.currency))
    return _amount(amount, f"#,##0{_zeros(exponent_of(value.currency))}{_NBSP}¤¤", value.currency, locale)


def minor(amount_minor: int, currency: str, locale: str = DEFAULT) -> str:
    """Return an amount that comes in minor units beside its currency, as ``money`` does."""
    return money(Money(amount_minor, currency), locale)


def quantity(value: int | Decimal, locale: str = DEFAULT) -> str:
    """Return a number with separated thousands and no needless zeros: ``1,200``, ``2.5``."""
    return format_decimal(value, "#,##0.######", LOCALES[locale])


def price(value: Decimal, locale: str = DEFAULT) -> str:
    """Return a price per unit: up to six places, of which at least two are shown and none is lost."""
    return format_decimal(value, "#,##0.00####", LOCALES[locale])


def percent(value: Decimal | int, locale: str = DEFAULT) -> str:
    """Return a rate in per cent, without needless zeros: ``7.7%``."""
    return f"{format_decimal(value, '#,##0.####', LOCALES[locale])}%"


def day(value: date, locale: str = DEFAULT) -> str:
    """Return a date: ``21 Nov 2026``, in Polish ``21 lis 2026`` (the day of a moment is its day in UTC)."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).date()
    return format_date(value, "d MMM y", LOCALES[locale])


def month(value: date, locale: str = DEFAULT) -> str:
    """Return a month: ``Nov 2026``, in Polish ``lis 2026``."""
    return format_date(value, "LLL y", LOCALES[locale])


def moment(value: datetime, locale: str = DEFAULT) -> str:
    """Return a moment to the minute, in UTC and saying so: ``21 Nov 2026, 09:30 UTC``."""
    utc = value.astimezone(UTC)
    return f"{day(utc.date(), locale)}, {utc:%H:%M} UTC"


def ago(value: datetime, locale: str = DEFAULT) -> str:
    """Return how long ago a moment was, in its largest unit: ``2 minutes ago``."""
    return format_timedelta(value - now(), add_direction=True, locale=LOCALES[locale])


_WRITERS: Mapping[str, Callable[..., str]] = {
    "money": money, "minor": minor, "quantity": quantity, "price": price, "percent": percent, "date": day,
    "month": month, "datetime": moment,
    "ago": ago,
}  # fmt: skip
_BY_TYPE: tuple[tuple[Any, Callable[..., str]], ...] = (
    (Money, money), (datetime, moment), (date, day), ((int, Decimal), quantity),
)  # fmt: skip


def _words(code: str) -> NullTranslations:
    path = CATALOGUES / f"{code}.po"
    if not path.is_file():
        return NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def _zeros(places: int) -> str:
    return "." + "0" * places if places else ""


def _amount(amount: Decimal, pattern: str, currency: str, locale: str) -> str:
    return format_currency(amount, currency, pattern, LOCALES[locale], currency_digits=False)


def parsed_decimal(text: str, locale: str = DEFAULT) -> Decimal:
    """Return a number that a person typed; ``ValueError`` if it is none or can be read two ways."""
    plain = text.replace("\N{NARROW NO-BREAK SPACE}", "").replace(_NBSP, "").replace(" ", "")
    if not plain.isascii() or _NO_NUMBER.search(plain) or (locale not in _DOTTED and "." in plain):
        raise ValueError("This is no number.")
    return parse_decimal(plain, LOCALES[locale], strict=True)


def typed_decimal(value: Decimal, locale: str = DEFAULT) -> str:
    """Return a number as a person would type it: no separated thousands, every place that counts."""
    return format_decimal(value, "0.######", LOCALES[locale], decimal_quantization=False)
