"""The mapping: a small TOML file that says what another system's ledger means, so that its columns need no code.

It names the columns and declares, in order, rules that say what a line is; the first rule whose conditions all hold
decides. ``maps/online-retail.toml`` is the commented example. Patterns are RE2 (linear time, so that a pattern from
a tenant's file cannot be made to hang the import) and match anywhere unless anchored.
"""

from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from stockade.commerce.ledger.arrow import pa, pc
from stockade.kernel.problems import Refusal

BUNDLED = Path(__file__).parent / "maps"
MOST_PRICE_PLACES = 6


class DocumentKind(StrEnum):
    """What a ledger document becomes."""

    SALE = "sale"  # an order, shipped and invoiced
    CREDIT = "credit"  # a credit note
    STOCK_CORRECTION = "stock_correction"  # stock moves without money
    BAD_DEBT = "bad_debt"  # a receivable written off (negative) or recovered (positive)
    COST = "cost"  # the distributor's own cost, booked in the sales ledger: no customer is billed


class LineKind(StrEnum):
    """What a ledger line is."""

    SALE = "sale"  # goods sold
    FREE = "free"  # goods given at no charge: stock moves, money does not
    CREDIT = "credit"  # goods taken back
    STOCK_CORRECTION = "stock_correction"  # stock found, lost, damaged, counted
    VOUCHER = "voucher"  # a gift voucher: money now, goods later
    FEE = "fee"  # a named charge that is no product: postage, commission ...
    DISCOUNT = "discount"  # a reduction of the whole document
    BAD_DEBT = "bad_debt"


OF_PRODUCTS = frozenset({LineKind.SALE, LineKind.FREE, LineKind.CREDIT, LineKind.STOCK_CORRECTION, LineKind.VOUCHER})
"""The kinds of line whose code is a product of the catalogue."""

OWN_DOCUMENT = {
    LineKind.SALE: DocumentKind.SALE,
    LineKind.FREE: DocumentKind.SALE,
    LineKind.CREDIT: DocumentKind.CREDIT,
    LineKind.STOCK_CORRECTION: DocumentKind.STOCK_CORRECTION,
    LineKind.BAD_DEBT: DocumentKind.BAD_DEBT,
}
"""The document that a kind of line belongs to; the others follow the document's number (``credit_documents``)."""


CHANGES_STOCK = frozenset({LineKind.SALE, LineKind.FREE, LineKind.CREDIT, LineKind.STOCK_CORRECTION})
"""The kinds of line that move goods: a correction by its quantity, the others by its opposite."""


FREE_TO_GO_INTO = {
    LineKind.VOUCHER: (DocumentKind.SALE, DocumentKind.CREDIT),
    LineKind.FEE: (DocumentKind.SALE, DocumentKind.CREDIT, DocumentKind.COST, DocumentKind.BAD_DEBT),
    LineKind.DISCOUNT: (DocumentKind.SALE, DocumentKind.CREDIT, DocumentKind.COST, DocumentKind.BAD_DEBT),
}
"""What a rule's ``into`` may say for the kinds that have no document of their own."""


class Sign(StrEnum):
    """A condition on a number."""

    NEGATIVE = "negative"
    ZERO = "zero"
    POSITIVE = "positive"


class Presence(StrEnum):
    """A condition on the customer."""

    KNOWN = "known"
    MISSING = "missing"


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's names of the columns; the last four may be absent from a ledger."""

    document: str
    date: str
    code: str
    quantity: str
    price: str
    description: str | None = None
    customer: str | None = None
    country: str | None = None
    currency: str | None = None

    def named(self) -> dict[str, str]:
        """Return meaning and the file's name of each column that this ledger has."""
        return {meaning: name for meaning, name in msgspec.structs.asdict(self).items() if name is not None}


class TextFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How values are written where the file is text (CSV); Parquet carries types."""

    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    dates: tuple[str, ...] = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d")


class Settlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a ledger without payments implies: when invoices fall due, and which of them count as paid.

    With ``paid_after_days``, invoices issued at least so many days before the ledger's last day count as paid on the
    day they fell due, and credit notes of that age as paid out on their own day. Without it everything stays open.
    """

    terms_days: int = 30
    paid_after_days: int | None = None

    def fault(self) -> str | None:
        """Return what is wrong with it, or None."""
        if not 0 <= self.terms_days <= 365 or not 0 <= (self.paid_after_days or 0) <= 36500:
            return "settlement needs terms_days of 0 to 365, and paid_after_days of 0 to 36500"
        return None


class Corrections(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Patterns on the text of a stock correction that say why stock changed; whatever matches none is an adjustment."""

    damage: str | None = None
    count: str | None = None

    def fault(self) -> str | None:
        """Return what is wrong with them, or None."""
        if all(pattern is None or is_pattern(pattern) for pattern in (self.damage, self.count)):
            return None
        return "corrections.damage and corrections.count must be regular expressions (RE2 syntax)"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Conditions, all of which must hold, and what the line then is: ``line``, or ``reject`` with a reason."""

    line: LineKind | None = None
    reject: str | None = None
    charge: str | None = None  # the name of the fee; for a fee only
    into: DocumentKind | None = None  # where it differs from what the kind of line or the number says
    document: str | None = None
    code: str | None = None
    description: str | None = None
    quantity: Sign | None = None
    price: Sign | None = None
    customer: Presence | None = None
    document_priced: bool | None = None  # some line of the same document has a price that is not zero

    def fault(self) -> str | None:
        """Return what is wrong with the rule, or None."""
        if (self.line is None) == (self.reject is None):
            return "needs exactly one of 'line' and 'reject'"
        if (self.line is LineKind.FEE) != (self.charge is not None):
            return "needs 'charge', the fee's name, exactly if the line is a fee"
        if self.line is LineKind.STOCK_CORRECTION and self.price is not Sign.ZERO:
            return "needs price = 'zero': a stock correction moves no money"
        if self.into is not None and self.into not in FREE_TO_GO_INTO.get(self.line or LineKind.SALE, ()):
            return "has an 'into' that its kind of line cannot go into"
        for field in ("document", "code", "description"):
            pattern = getattr(self, field)
            if pattern is not None and not is_pattern(pattern):
                return f"has a '{field}' that is not a regular expression (RE2 syntax)"
        return None


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole mapping. ``price_places``: how many decimals the ledger's unit prices have (0 to 6)."""

    name: str
    columns: Columns
    rules: tuple[Rule, ...]
    currency: str  # ISO 4217; of every line where no currency column is named
    timezone: str = "UTC"
    price_places: int = 2
    upper_case_codes: bool = False
    credit_documents: str | None = None
    text: TextFormat = TextFormat()
    countries: dict[str, str] = {}
    settlement: Settlement = Settlement()
    corrections: Corrections = Corrections()

    def country_code(self, name: str | None) -> str | None:
        """Return the ISO 3166-1 code of a country as the ledger names it; None where it names no single country."""
        if name is None:
            return None
        is_code = len(name) == 2 and name.isascii() and name.isupper()
        return self.countries.get(name, name if is_code else "") or None

    def fault(self) -> str | None:
        """Return the first thing that is wrong with the mapping, or None."""
        for number, rule in enumerate(self.rules, start=1):
            if fault := rule.fault():
                return f"rule {number} {fault}"
        if not 0 <= self.price_places <= MOST_PRICE_PLACES:
            return f"price_places must be 0 to {MOST_PRICE_PLACES}"
        if not is_currency(self.currency):
            return "currency must be an ISO 4217 code such as GBP"
        if self.credit_documents is not None and not is_pattern(self.credit_documents):
            return "credit_documents is not a regular expression (RE2 syntax)"
        if len(self.text.delimiter) != 1 or self.text.decimal not in {".", ","}:
            return "text.delimiter must be one character, and text.decimal '.' or ','"
        if fault := self.settlement.fault() or self.corrections.fault():
            return fault
        if any(code and not (len(code) == 2 and code.isupper()) for code in self.countries.values()):
            return "countries must give two capital letters (ISO 3166-1), or nothing for no single country"
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return f"timezone {self.timezone!r} is not known to this machine (is its tzdata package installed?)"
        return None


def is_pattern(pattern: str) -> bool:
    """Tell whether RE2 accepts the pattern."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        return False
    return True


def is_currency(text: str) -> bool:
    """Tell whether the text has the form of an ISO 4217 code."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()


def load_mapping(name_or_path: str) -> Mapping:
    """Return the bundled mapping of that name, or the one in that file; raise `Refusal` if it cannot be used."""
    bundled = sorted(path.stem for path in BUNDLED.glob("*.toml"))
    path = BUNDLED / f"{name_or_path}.toml" if name_or_path in bundled else Path(name_or_path)
    try:
        mapping = msgspec.toml.decode(path.read_bytes(), type=Mapping)
    except FileNotFoundError:
        raise Refusal(
            f"There is no mapping {name_or_path!r}: name a TOML file or one of {', '.join(bundled)}."
        ) from None
    except OSError as error:
        raise Refusal(f"The mapping {path} cannot be read: {error.strerror}.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refusal(f"The mapping {path} is not valid: {error}.") from None
    if fault := mapping.fault():
        raise Refusal(f"The mapping {path} is not valid: {fault}.")
    return mapping
