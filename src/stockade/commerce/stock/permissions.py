"""What may be allowed around stock."""

from stockade.access.permissions import permission

READ = permission("stock:read", least="viewer")
RECEIVE = permission("stock:receive", least="member")
COUNT = permission("stock:count", least="member")
ADJUST = permission("stock:adjust", least="admin")
CONFIGURE = permission("stock:configure", least="admin")
