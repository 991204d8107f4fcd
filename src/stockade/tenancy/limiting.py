"""Limiting: which rows of its tenant a role sees. A base table says it once; what refers to it follows by itself.

``Customer`` and ``Warehouse`` declare their rows; a table with a ``reference`` to a limited table shows only rows whose
reference is seen, and so on: an order follows its customer, a line its order. Each becomes part of one restrictive
policy, so that list, detail, search, export, document and trail agree, whatever a statement forgot.

Whoever is not limited pays for reading one byte of the pin. The byte needs no proof of its own: with a pin that is
not genuine the wall shows nothing at all. Conditions are written as PostgreSQL prints them, so that the live policy
can be compared with the declaration.
"""

import re

from stockade.tenancy.pin import Limits

CUSTOMERS = Limits.OWN_CUSTOMERS | Limits.OWN_REGION
WAREHOUSES = Limits.OWN_WAREHOUSES
_MASK = re.compile(r"tenancy\.unlimited\((\d+)\)")


def _unless(mask: int, *seen: str) -> str:
    return "(" + " OR ".join([f"( SELECT tenancy.unlimited({mask}) AS unlimited)", *seen]) + ")"


CUSTOMER_ROWS = _unless(
    CUSTOMERS,
    "(responsible_id = ( SELECT identity.standing_person() AS standing_person))",
    "(country = ANY (( SELECT identity.standing_regions() AS standing_regions)::text[]))",
)
"""A customer is seen by whoever is responsible for it, and by those whose region it lies in."""
WAREHOUSE_ROWS = _unless(
    WAREHOUSES, "(id = ANY (( SELECT identity.standing_warehouses() AS standing_warehouses)::uuid[]))"
)
"""A warehouse is seen by those who work in it."""


def mask_of(conditions: tuple[str, ...]) -> int:
    """Return the limits that some conditions depend on."""
    mask = 0
    for condition in conditions:
        for found in _MASK.findall(condition):
            mask |= int(found)
    return mask


def following(column: str, target: str, mask: int, *, nullable: bool = False) -> str:
    """Return the condition that a row is seen if what it refers to is."""
    seen = f"({column} IN ( SELECT {target.partition('.')[2]}.id FROM {target}))"
    return _unless(mask, *([f"({column} IS NULL)"] if nullable else []), seen)


def trail_rows(limited: dict[str, int]) -> str:
    """Return the condition under which an entry of the trail is seen: what it is about is seen, or not limited.

    ``limited`` are the documents (``schema.table``) with their masks.
    """
    every = 0
    for mask in limited.values():
        every |= mask
    names = ", ".join(f"'{name}'::text" for name in sorted(limited))
    own = [f"(subject_id IN ( SELECT {name.partition('.')[2]}.id FROM {name}))" for name in sorted(limited)]
    return _unless(every, f"(subject <> ALL (ARRAY[{names}]))", *own)


def together(conditions: tuple[str, ...]) -> str:
    """Return one condition that holds when all do, as PostgreSQL prints it."""
    return conditions[0] if len(conditions) == 1 else "(" + " AND ".join(conditions) + ")"
