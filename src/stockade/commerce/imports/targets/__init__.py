"""What can be imported, by its name."""

from collections.abc import Mapping

from stockade.commerce.imports.targets.customers import Customers
from stockade.commerce.imports.targets.declaration import Rejected, Taken, Target
from stockade.commerce.imports.targets.products import Products
from stockade.commerce.imports.targets.stock import OpeningStock
from stockade.kernel.words import N_

TARGETS: Mapping[str, Target] = {"products": Products(), "customers": Customers(), "stock": OpeningStock()}
LABELS: Mapping[str, str] = {
    "products": N_("Products"), "customers": N_("Customers"), "stock": N_("Opening stock"),
}  # fmt: skip

__all__ = ["LABELS", "TARGETS", "Rejected", "Taken", "Target"]
