"""How demand shares what is available."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from stockade.commerce.stock.rules import Demand, needed, share_out

ORDER, WAREHOUSE = UUID(int=1), UUID(int=2)
PRODUCTS = [UUID(int=n) for n in (3, 4, 5)]
DEMANDS = some.lists(some.tuples(some.sampled_from(PRODUCTS), some.integers(1, 20)), max_size=12).map(
    lambda pairs: [Demand(ORDER, n, WAREHOUSE, product, quantity) for n, (product, quantity) in enumerate(pairs)]
)
AVAILABLE = some.dictionaries(some.sampled_from(PRODUCTS), some.integers(0, 30)).map(
    lambda free: {(WAREHOUSE, product): quantity for product, quantity in free.items()}
)


@given(DEMANDS, AVAILABLE)
def test_no_shelf_gives_more_than_it_has_and_none_keeps_what_is_wanted(
    demands: list[Demand], available: dict[tuple[UUID, UUID], int]
) -> None:
    given_out = needed(share_out(demands, available))
    for shelf, wanted in needed(demands).items():
        assert given_out.get(shelf, 0) == min(wanted, available.get(shelf, 0))


@given(DEMANDS, AVAILABLE)
def test_no_demand_gets_more_than_it_wants_and_earlier_ones_come_first(
    demands: list[Demand], available: dict[tuple[UUID, UUID], int]
) -> None:
    got = {demand.position: demand.quantity for demand in share_out(demands, available)}
    assert all(0 < quantity <= demands[position].quantity for position, quantity in got.items())
    for earlier in demands:
        if got.get(earlier.position, 0) < earlier.quantity:
            later = [d for d in demands if d.position > earlier.position and d.shelf == earlier.shelf]
            assert not any(got.get(demand.position) for demand in later)


@given(DEMANDS, AVAILABLE)
def test_all_or_nothing_is_everything_or_nothing(
    demands: list[Demand], available: dict[tuple[UUID, UUID], int]
) -> None:
    covered = all(quantity <= available.get(shelf, 0) for shelf, quantity in needed(demands).items())
    assert share_out(demands, available, all_or_nothing=True) == (demands if covered else [])
