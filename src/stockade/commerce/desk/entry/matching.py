"""Matching: which products the lines of a spreadsheet mean, many at once. What is not found or not clear is said."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from stockade.access.fields import Text200
from stockade.commerce.catalog.rules import barcode_in
from stockade.commerce.desk.entry.folding import MOST_WORDS, folded, folded_sql, word_starts
from stockade.database.statements import Statement, raw
from stockade.tenancy.transaction import Transaction

MOST_TEXTS = 50
_BY_WORDS = 2


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands where a product should: SKUs, barcodes or names."""

    texts: Annotated[list[Text200], msgspec.Meta(min_length=1, max_length=MOST_TEXTS)]


class Match(msgspec.Struct, frozen=True):
    """The product that a text means; None if there is none, or (``several``) more than one."""

    product_id: UUID | None
    sku: str = ""
    name: str = ""
    several: bool = False


_STARTS = [f"words{place}" for place in range(MOST_WORDS)]
_BEGINS = " and ".join(f"(x.word{n} = '' or strpos(p.text, x.word{n}) > 0)" for n in range(1, MOST_WORDS))
_MATCH: Statement[Any] = raw(
    f"""
    with p as materialized (
        select id, sku, lower(sku collate "C") as low, name, barcode, f.text, btrim(f.text) as whole
        from catalog.product cross join lateral (select {folded_sql("name")} as text offset 0) as f
        where tenant_id = $1 and state = 'active'
    )
    select x.place, p.id, p.sku, p.name, p.rank
    from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
        with ordinality as x (typed, barcode, name, word0, word1, word2, word3, place)
    cross join lateral (
        select p.id, p.sku, p.name,
            case when p.low = x.typed or p.barcode = x.barcode then 0 when p.whole = x.name then 1
                else {_BY_WORDS} end as rank
        from p
        where p.low = x.typed or p.barcode = x.barcode or p.whole = x.name
            or (x.word0 <> '' and strpos(p.text, x.word0) > 0 and {_BEGINS})
        order by rank limit 2
    ) as p
    order by x.place, p.rank
    """,
    f"this_tenant typed barcodes names {' '.join(_STARTS)}",
)


async def match_products(tx: Transaction, wanted: Wanted) -> list[Match]:
    """Return a match for each text: by SKU or barcode, else by the whole name, else by words if only one has them."""
    words = [word_starts(text) for text in wanted.texts]
    rows = await _MATCH.all(
        tx, typed=[text.lower() for text in wanted.texts], barcodes=[barcode_in(text) for text in wanted.texts],
        names=[folded(text).strip() for text in wanted.texts],
        **{name: [row[place] for row in words] for place, name in enumerate(_STARTS)},
    )  # fmt: skip
    best: dict[int, list[tuple[Any, ...]]] = {}
    for place, *found in rows:
        best.setdefault(place, []).append(tuple(found))
    return [_clear(best.get(place, [])) for place in range(1, len(wanted.texts) + 1)]


def _clear(found: list[tuple[Any, ...]]) -> Match:
    """Return the only one of the best rank."""
    if not found:
        return Match(None)
    if len(found) > 1 and found[0][3] == found[1][3]:
        return Match(None, several=True)
    product_id, sku, name, _ = found[0]
    return Match(product_id, sku, name)
