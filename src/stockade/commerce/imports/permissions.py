"""Who may look at imports, and who may run them."""

from stockade.access.permissions import permission

READ = permission("imports:read", least="member")
RUN = permission("imports:run", least="admin", reserved=True)
