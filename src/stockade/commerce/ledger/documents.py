"""Business documents, in batches of parallel lists that the database takes by ``unnest``.

A ledger document becomes one business document for each kind that its lines are of: nearly always one. Its lines
keep the ledger's order and signs (a credit's quantities and amounts are negative).
"""

from datetime import UTC, datetime, timedelta

import msgspec

from stockade.commerce.ledger.arrow import pa, pc
from stockade.commerce.ledger.classify import DOCUMENT_KINDS
from stockade.commerce.ledger.mapping import OF_PRODUCTS, Mapping
from stockade.commerce.ledger.parsing import Reason

KINDS = len(DOCUMENT_KINDS)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Documents(msgspec.Struct):
    """Documents, one in each place of all lists. ``number`` and ``kind`` together are unique in a ledger.

    ``customer`` is a place in the master data's customers, or None (sold over the counter, or an internal document);
    ``country`` is the ISO 3166-1 code, where the ledger's name has one; ``at`` is the earliest line's moment (UTC);
    ``net_minor`` the sum of the lines, each rounded; ``first_line`` the ledger's line for whoever looks it up.
    """

    kind: list[str]
    number: list[str]
    customer: list[int | None]
    country: list[str | None]
    currency: list[str]
    at: list[datetime]
    first_line: list[int]
    net_minor: list[int]


class Lines(msgspec.Struct):
    """Lines, one in each place of all lists, by document and then as in the ledger.

    ``document`` is a place in the batch's documents; ``product`` one in the master data's products, None for fees,
    discounts and bad debts; ``charge`` the fee's name; ``text`` what the ledger says (for corrections, why).
    ``price_micro`` is the unit price in millionths of the major unit, exact; ``net_minor`` is rounded half up.
    """

    document: list[int]
    line: list[int]
    kind: list[str]
    charge: list[str | None]
    code: list[str]
    product: list[int | None]
    text: list[str | None]
    quantity: list[int]
    price_micro: list[int]
    net_minor: list[int]


class DocumentBatch(msgspec.Struct):
    """The n-th batch (from 0) of whole documents: the same on every run over the same file and mapping."""

    index: int
    documents: Documents
    lines: Lines


def batch_of(
    index: int, kept: pa.Table, mapping: Mapping, words: dict[str, list[str]], products: list[int | None],
    customers: list[int | None],
) -> DocumentBatch:  # fmt: skip
    """Form the business documents of classified, accepted lines.

    ``products`` and ``customers`` give the place in the master data of each code and customer of the vocabulary.
    """
    key = pc.add(pc.multiply(kept["document"].cast(pa.int64()), KINDS), kept["kind"])
    lines = kept.append_column("key", key).sort_by([("key", "ascending"), ("line", "ascending")]).combine_chunks()
    grouped = lines.group_by("key", use_threads=False).aggregate(
        [
            ("customer", "first"), ("country", "first"), ("currency", "first"), ("at", "min"), ("line", "min"),
            ("net_minor", "sum"),
        ]
    )  # fmt: skip
    documents = grouped.sort_by("key")  # groups come in the order of a hash table
    return DocumentBatch(
        index, _documents(documents, mapping, words, customers), _lines(lines, mapping, words, products)
    )


def _documents(
    documents: pa.Table, mapping: Mapping, words: dict[str, list[str]], customers: list[int | None]
) -> Documents:
    keys = documents["key"].to_pylist()
    codes = [mapping.country_code(name) for name in words["country"]]
    return Documents(
        kind=[DOCUMENT_KINDS[key % KINDS].value for key in keys],
        number=[words["document"][key // KINDS] for key in keys],
        customer=[None if word is None else customers[word] for word in documents["customer_first"].to_pylist()],
        country=[None if word is None else codes[word] for word in documents["country_first"].to_pylist()],
        currency=[words["currency"][word] for word in documents["currency_first"].to_pylist()],
        at=[moment(at_us) for at_us in documents["at_min"].cast(pa.int64()).to_pylist()],
        first_line=documents["line_min"].to_pylist(),
        net_minor=documents["net_minor_sum"].to_pylist(),
    )


def _lines(lines: pa.Table, mapping: Mapping, words: dict[str, list[str]], products: list[int | None]) -> Lines:
    rules = lines["rule"].to_pylist()
    codes = lines["code"].to_pylist()
    kinds = [None if rule.line is None else rule.line.value for rule in mapping.rules]
    charges = [rule.charge for rule in mapping.rules]
    of_product = [rule.line is not None and rule.line in OF_PRODUCTS for rule in mapping.rules]
    texts = words["description"]
    return Lines(
        document=lines["key"].combine_chunks().dictionary_encode().indices.to_pylist(),
        line=lines["line"].to_pylist(),
        kind=[kinds[rule] or Reason.NO_RULE for rule in rules],
        charge=[charges[rule] for rule in rules],
        code=[words["code"][code] for code in codes],
        product=[products[code] if of_product[rule] else None for rule, code in zip(rules, codes, strict=True)],
        text=[None if text is None else texts[text] for text in lines["description"].to_pylist()],
        quantity=lines["quantity"].to_pylist(),
        price_micro=lines["price_micro"].to_pylist(),
        net_minor=lines["net_minor"].to_pylist(),
    )


def moment(microseconds: int) -> datetime:
    """Return the moment (UTC) so many microseconds after the start of 1970."""
    return EPOCH + timedelta(microseconds=microseconds)
