"""Access: what a principal may do. Permissions, roles, and the only ways to declare a route."""
