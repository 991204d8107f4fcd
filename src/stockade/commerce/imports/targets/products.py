"""Products from a file: new by their SKU, or changed where they are there."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from stockade.access.permissions import Permission
from stockade.commerce.catalog.api import CREATE, UPDATE
from stockade.commerce.catalog.rules import WITHOUT_VAT
from stockade.commerce.catalog.service.products import NewProduct, ProductChange, change_product, create_product
from stockade.commerce.catalog.service.vat import rates_on
from stockade.commerce.imports.fields import Field, Mapped, Source, Values
from stockade.commerce.imports.targets.declaration import Rejected, Taken, missing, types_of
from stockade.database.statements import raw
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

_CATEGORIES = {
    "standard": N_("Standard rate"), "reduced": N_("Reduced rate"), "super_reduced": N_("Super-reduced rate"),
    "zero": N_("Zero rate"), "exempt": N_("Exempt"), "outside": N_("Outside the scope of VAT"),
}  # fmt: skip
_FIELDS = (
    Field(
        name="sku", label=N_("SKU"), required=True,
        synonyms=("stock code", "article number", "article", "item number", "item no", "item", "product code", "code",
                  "symbol", "indeks", "kod", "kod towaru", "kod produktu", "numer artykułu", "nr katalogowy", "index"),
        note=N_("What a product is known by. A product with this SKU is changed, any other is new."),
    ),
    Field(
        name="name", label=N_("Name"), required=True,
        synonyms=("product", "product name", "item name", "title", "nazwa", "nazwa towaru", "nazwa produktu", "towar"),
    ),
    Field(
        name="list_price", label=N_("List price"), kind="decimal", required=True,
        synonyms=("price", "unit price", "net price", "price net", "sales price", "cena", "cena netto",
                  "cena sprzedaży", "cena katalogowa", "cena jednostkowa"),
        note=N_("Per unit, before VAT, in the company's currency."),
    ),
    Field(
        name="vat_category", label=N_("VAT category"), kind="choice", required=True, choices=_CATEGORIES,
        synonyms=("vat", "vat rate", "tax", "tax rate", "tax category", "stawka vat", "stawka", "podatek"),
        spellings={"normal": "standard", "podstawowa": "standard", "obniżona": "reduced", "zw": "exempt",
                   "zwolniony": "exempt", "np": "outside", "none": "outside"},
        note=N_("A category, or one of today's rates in per cent: 23."),
    ),
    Field(
        name="description", label=N_("Description"),
        synonyms=("details", "long description", "opis", "opis towaru", "opis produktu"),
    ),
    Field(
        name="unit", label=N_("Unit"),
        synonyms=("uom", "unit of measure", "jednostka", "jm", "j m", "jednostka miary"),
    ),
    Field(
        name="case_pack", label=N_("Case pack"), kind="integer",
        synonyms=("case", "pack", "pack size", "units per case", "opakowanie", "sztuk w opakowaniu", "karton"),
    ),
    Field(
        name="barcode", label=N_("Barcode"),
        synonyms=("ean", "gtin", "ean13", "ean 13", "ean code", "upc", "kod kreskowy", "kod ean"),
    ),
    Field(
        name="reorder_point", label=N_("Reorder point"), kind="integer",
        synonyms=("reorder level", "minimum", "minimum stock", "min stock", "stan minimalny", "minimum magazynowe"),
    ),
    Field(
        name="stocked", label=N_("Kept in stock"), kind="flag",
        synonyms=("stock item", "stocked item", "magazynowany", "towar magazynowy"),
    ),
)  # fmt: skip
_KNOWN = raw(
    "select p.sku, p.id, p.version from catalog.product p where p.tenant_id = $1 and p.sku = any($2::text[])",
    "this_tenant skus",
)


class Products:
    """What a file of products can say, and what its lines do."""

    permissions: Sequence[Permission] = (CREATE, UPDATE)
    fields: Sequence[Field] = _FIELDS
    types: Mapping[str, Any] = types_of(NewProduct)

    async def defaults(self, tx: Transaction) -> Mapped:
        """Return the standard rate as the VAT category of a file without one."""
        return {"vat_category": Source(value="standard")}

    async def spellings(self, tx: Transaction) -> Mapping[str, Mapping[str, str]]:
        """Return today's rates as ways to write their categories, but for a rate that two of them have."""
        rates = await rates_on(tx, today())
        known: dict[str, str] = {}
        for category, rate in rates.items():
            if category not in WITHOUT_VAT and list(rates.values()).count(rate) == 1:
                text = f"{rate.normalize():f}"
                known |= {text: category, f"{text}%": category, f"{text} %": category}
        return {"vat_category": {"0": "zero", "0%": "zero", "0 %": "zero"} | known}

    def key(self, values: Values) -> str:
        """A line is about its SKU."""
        return str(values.get("sku", ""))

    async def batch(self, tx: Transaction, run_id: UUID, lines: Sequence[Values]) -> "_Batch":
        """Look up which of the SKUs are there."""
        skus = [values["sku"] for values in lines if "sku" in values]
        return _Batch({sku: (known, version) for sku, known, version in await _KNOWN.all(tx, skus=skus)})


class _Batch(msgspec.Struct):
    known: dict[str, tuple[UUID, int]]

    async def take(self, tx: Transaction, values: Values) -> Taken:
        """Make the product or change it."""
        given = dict(values)
        if (found := self.known.get(given.get("sku", ""))) is None:
            if lacking := missing(_FIELDS, given):
                raise Rejected(*lacking)
            made = await create_product(tx, new_id(), msgspec.convert(given, NewProduct))
            return Taken("created", made.id)
        del given["sku"]
        change = msgspec.convert(given | {"expected_version": found[1]}, ProductChange)
        after = await change_product(tx, found[0], change)
        return Taken("unchanged" if after.version == found[1] else "updated", found[0])
