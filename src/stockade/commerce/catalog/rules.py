"""The catalogue's rules: pure functions and bounded types, without I/O."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from stdnum import ean
from stdnum.exceptions import ValidationError

from stockade.kernel.problems import Conflict, Invalid
from stockade.kernel.words import said

VatCategory = Literal["standard", "reduced", "super_reduced", "zero", "exempt", "outside"]
ProductState = Literal["active", "archived"]
Sku = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*(?!\n)$", examples=["85123A"],
        description="A stock keeping unit: letters, digits and . _ / - (upper and lower case are told apart).",
    ),
]  # fmt: skip
Barcode = Annotated[
    str,
    msgspec.Meta(
        min_length=8, max_length=20, pattern=r"^[0-9][0-9 -]*[0-9](?!\n)$", examples=["4006381333931"],
        description="A GTIN-8, -12, -13 or -14 with a correct check digit.",
    ),
]  # fmt: skip
CasePack = Annotated[int, msgspec.Meta(ge=1, le=100_000, description="How many units come in one case.")]
ReorderPoint = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]

WITHOUT_VAT: frozenset[VatCategory] = frozenset({"zero", "exempt", "outside"})
"""Categories whose rate is nought by their nature (EN 16931: categories Z, E and O carry a rate of 0)."""
_GTIN_LENGTHS = (8, 12, 13, 14)


class NoVatRate(Conflict):
    """The tenant has written down no VAT rate for a category that was valid on the day asked for."""

    type = "/problems/catalog/no-vat-rate"
    title = "No VAT rate is set for this category and day"


def barcode_in(text: str) -> str | None:
    """Return a GTIN in its shortest form, without separators; None unless the text is one with a right check digit.

    A GTIN-8, -12 or -13 is the same number as a longer one that has noughts in front (GS1 General Specifications 7.9):
    one form for all keeps one article from being entered twice.
    """
    try:
        number = ean.validate(text).lstrip("0")
    except ValidationError:
        return None
    return number.zfill(next(length for length in _GTIN_LENGTHS if length >= len(number)))


def checked_barcode(text: str) -> str:
    """Return what ``barcode_in`` finds; ``Invalid`` if that is nothing."""
    barcode = barcode_in(text)
    if barcode is None:
        raise Invalid("This is not a GTIN of 8, 12, 13 or 14 digits with a right check digit.", field="barcode")
    return barcode


def checked_vat_rate(category: VatCategory, rate: Decimal) -> Decimal:
    """Return the rate if the category may have it; ``Invalid`` if it is nought by nature and the rate is not."""
    if category in WITHOUT_VAT and rate != 0:
        raise Invalid(said("The category {category} has no VAT: its rate is 0.", category=category), field="rate")
    return rate


def rate_for(rates: Mapping[str, Decimal], category: str) -> Decimal:
    """Return the rate of a category in per cent, out of what ``rates_on`` gave; ``NoVatRate`` if there is none."""
    if category not in rates:
        raise NoVatRate(said("Set a VAT rate for the category {category} first.", category=category), category=category)
    return rates[category]
