"""Lists of the desk: declared once, they search, filter, sort, page, choose columns, are kept as views, and export."""

from stockade.commerce.desk.listing.asking import Asked, asked_of
from stockade.commerce.desk.listing.declaration import (
    Choice,
    Column,
    Days,
    Entity,
    Filter,
    Flag,
    Listing,
    Records,
    Search,
)
from stockade.commerce.desk.listing.reading import Row, Rows, ids_of, read_page, stream

__all__ = [
    "Asked", "Choice", "Column", "Days", "Entity", "Filter", "Flag", "Listing", "Records", "Row", "Rows", "Search",
    "asked_of", "ids_of", "read_page", "stream",
]  # fmt: skip
