"""Where an order goes: a copy of one of its customer's addresses, kept with the order."""

from uuid import UUID

from stockade.commerce.orders.views import DeliveryView
from stockade.database.statements import raw
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Transaction

_SEND_TO = raw(
    """
    insert into orders.delivery (tenant_id, order_id, recipient, street, postcode, city, country)
    select $1::uuid, $2::uuid, a.recipient, a.street, a.postcode, a.city, a.country
    from parties.address as a where a.tenant_id = $1 and a.customer_id = $3 and a.id = $4
    returning recipient, street, postcode, city, country
    """,
    "this_tenant order_id customer_id address_id",
    DeliveryView,
)


async def send_to(tx: Transaction, order_id: UUID, customer_id: UUID, address_id: UUID) -> DeliveryView:
    """Send a fresh order to one of its customer's addresses; ``Invalid`` if the customer has no such address."""
    sent = await _SEND_TO.first(tx, order_id=order_id, customer_id=customer_id, address_id=address_id)
    if sent is None:
        raise Invalid("The customer has no address with this id.", field="delivery_address_id")
    return sent
