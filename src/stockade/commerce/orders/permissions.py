"""What may be allowed about orders. Verbs ask for ``PRICE`` themselves, so that no page or endpoint can forget it."""

from stockade.access.permissions import permission

READ = permission("orders:read", least="viewer")
PLACE = permission("orders:place", least="member")
CHANGE = permission("orders:change", least="member")
PRICE = permission("orders:price", least="admin")
CONFIRM = permission("orders:confirm", least="member")
HOLD = permission("orders:hold", least="member")
RELEASE = permission("orders:release", least="admin")
SHIP = permission("orders:ship", least="member")
CANCEL = permission("orders:cancel", least="member")
CLOSE = permission("orders:close", least="member")
