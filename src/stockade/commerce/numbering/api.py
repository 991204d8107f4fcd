"""Series of numbers through the API."""

from stockade.access.permissions import permission
from stockade.access.routes import get, post
from stockade.commerce.numbering import series
from stockade.commerce.numbering.series import PrefixTaken, SeriesInUse, SeriesSetting, SeriesView
from stockade.tenancy.transaction import Transaction

READ = permission("settings:read", least="viewer")
UPDATE = permission("settings:update", least="admin")


@get("/number-series", permission=READ)
async def list_number_series(tx: Transaction) -> list[SeriesView]:
    """List the series of numbers, each with the number that comes next."""
    return await series.list_series(tx)


@post("/number-series", permission=UPDATE, problems=[SeriesInUse, PrefixTaken])
async def set_number_series(tx: Transaction, data: SeriesSetting) -> SeriesView:
    """Set how the numbers of a series begin, as long as none of the current period was given."""
    return await series.set_series(tx, data)


ROUTES = [list_number_series, set_number_series]
