"""What each line is: the mapping's rules applied to whole columns. Pure: no file, no database.

A line takes the first rule whose conditions all hold. Before that, a line whose customer or currency differs from its
document's (the first one named in it) is rejected: an invoice has one of each.
"""

from stockade.commerce.ledger.arrow import pa, pc
from stockade.commerce.ledger.mapping import OWN_DOCUMENT, DocumentKind, Mapping, Presence, Rule, Sign
from stockade.commerce.ledger.parsing import MICRO, Reason
from stockade.kernel.money import exponent_of

DOCUMENT_KINDS = list(DocumentKind)
NO_RULE = -1
COMPARISONS = {Sign.NEGATIVE: pc.less, Sign.ZERO: pc.equal, Sign.POSITIVE: pc.greater}


class Classifier:
    """The mapping's rules, with their patterns already tried on every word of the ledger's vocabulary."""

    def __init__(self, mapping: Mapping, words: dict[str, list[str]]) -> None:
        self._rules = mapping.rules
        self._matches = [_matches(rule, words) for rule in mapping.rules]
        self._own_document = pa.array([_own_document(rule) for rule in mapping.rules], pa.int8())
        self._credit = _matching(words["document"], mapping.credit_documents)
        self._minor_micro = pa.array(
            [MICRO // 10 ** exponent_of(currency) for currency in words["currency"]], pa.int64()
        )
        self._rejections = pa.array([rule.reject for rule in mapping.rules], pa.string())

    def classify(self, lines: pa.Table) -> pa.Table:
        """Return the lines, sorted by document and all of their documents, with what they are.

        Adds: rule (int16, place in the mapping's rules, -1 if none matches), reason (text, null unless rejected),
        kind (int8, place in ``DOCUMENT_KINDS``), amount_micro and net_minor (int64, signed as in the ledger).
        """
        position, documents = _by_document(lines)
        priced = documents["price_max"].take(position)
        rule = self._first_rule(lines, priced)
        reason = self._reason(lines, rule, documents, position)
        known = pc.if_else(pc.equal(rule, NO_RULE), pa.scalar(None, pa.int16()), rule)
        credit, sale = (
            pa.scalar(DOCUMENT_KINDS.index(kind), pa.int8()) for kind in (DocumentKind.CREDIT, DocumentKind.SALE)
        )
        by_number = pc.if_else(self._credit.take(lines["document"]), credit, sale)
        amount = pc.multiply_checked(lines["quantity"], lines["price_micro"])
        added = {
            "rule": rule,
            "reason": reason,
            "kind": pc.coalesce(self._own_document.take(known), by_number),
            "amount_micro": amount,
            "net_minor": round_half_up(amount, self._minor_micro.take(lines["currency"])),
        }
        for name, column in added.items():
            lines = lines.append_column(name, column)
        return lines

    def _first_rule(self, lines: pa.Table, priced: pa.ChunkedArray) -> pa.Array:
        masks = [
            _all_hold(_conditions(rule, matches, lines, priced), len(lines))
            for rule, matches in zip(self._rules, self._matches, strict=True)
        ]
        if not masks:
            return pa.array([NO_RULE] * len(lines), pa.int16())
        places = [pa.scalar(place, pa.int16()) for place in range(len(masks))]
        return pc.case_when(pc.make_struct(*masks), *places, pa.scalar(NO_RULE, pa.int16()))

    def _reason(self, lines: pa.Table, rule: pa.Array, documents: pa.Table, position: pa.Array) -> pa.Array:
        """Return why a line is rejected, null where it is not; the mapping's own rules speak last."""
        differs = {
            name: pc.fill_null(pc.not_equal(lines[name], documents[f"{name}_first"].take(position)), False)
            for name in ("customer", "currency")
        }
        nothing = pc.equal(lines["quantity"], 0)
        unmatched = pc.equal(rule, NO_RULE)
        named = self._rejections.take(pc.if_else(unmatched, pa.scalar(None, pa.int16()), rule))
        return pc.case_when(
            pc.make_struct(_flat(differs["customer"]), _flat(differs["currency"]), unmatched, _flat(nothing)),
            pa.scalar(str(Reason.ANOTHER_CUSTOMER)),
            pa.scalar(str(Reason.ANOTHER_CURRENCY)),
            pa.scalar(str(Reason.NO_RULE)),
            pa.scalar(str(Reason.NO_QUANTITY)),
            named,
        )


def round_half_up(amount_micro: pa.Array, minor_micro: pa.Array) -> pa.Array:
    """Return amounts in minor units, halves away from zero: what `stockade.kernel.money.extend` does, by columns."""
    half = pc.divide(minor_micro, 2)
    return pc.divide(pc.add(amount_micro, pc.multiply(pc.sign(amount_micro), half)), minor_micro)


def _by_document(lines: pa.Table) -> tuple[pa.Array, pa.Table]:
    """Return each line's place in a table of its documents, and that table: price_max, customer_first, currency_first.

    price_max is whether the document has a price at all; the two others its first customer and currency.
    """
    position = _flat(lines["document"]).dictionary_encode().indices
    table = pa.table(
        {
            "document": position,
            "price": pc.not_equal(lines["price_micro"], 0),
            "customer": lines["customer"],
            "currency": lines["currency"],
        }
    )
    documents = table.group_by("document", use_threads=False).aggregate(
        [("price", "max"), ("customer", "first"), ("currency", "first")]
    )
    return position, documents.sort_by("document").combine_chunks()  # groups come in the order of a hash table


def _conditions(
    rule: Rule, matches: dict[str, pa.Array], lines: pa.Table, priced: pa.ChunkedArray
) -> list[pa.ChunkedArray]:
    """Return each of the rule's conditions, line by line; an absent text matches no pattern."""
    conditions = [pc.fill_null(found.take(lines[name]), False) for name, found in matches.items()]
    if rule.quantity is not None:
        conditions.append(COMPARISONS[rule.quantity](lines["quantity"], 0))
    if rule.price is not None:
        conditions.append(COMPARISONS[rule.price](lines["price_micro"], 0))
    if rule.customer is not None:
        known = pc.is_valid(lines["customer"])
        conditions.append(known if rule.customer is Presence.KNOWN else pc.invert(known))
    if rule.document_priced is not None:
        conditions.append(priced if rule.document_priced else pc.invert(priced))
    return conditions


def _all_hold(conditions: list[pa.ChunkedArray], length: int) -> pa.Array:
    if not conditions:
        return pa.array([True] * length, pa.bool_())
    mask = conditions[0]
    for condition in conditions[1:]:
        mask = pc.and_(mask, condition)
    return _flat(mask)


def _matches(rule: Rule, words: dict[str, list[str]]) -> dict[str, pa.Array]:
    patterns = {"document": rule.document, "code": rule.code, "description": rule.description}
    return {name: _matching(words[name], pattern) for name, pattern in patterns.items() if pattern is not None}


def _matching(words: list[str], pattern: str | None) -> pa.Array:
    """Return which of the words the pattern matches; no pattern matches none."""
    if pattern is None:
        return pa.array([False] * len(words), pa.bool_())
    return pc.match_substring_regex(pa.array(words, pa.string()), pattern)


def _own_document(rule: Rule) -> int | None:
    """Return the place of the kind of document that the rule puts its lines into; None if the number decides."""
    kind = rule.into or (OWN_DOCUMENT.get(rule.line) if rule.line is not None else None)
    return None if kind is None else DOCUMENT_KINDS.index(kind)


def _flat(column: pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
