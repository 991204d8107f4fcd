"""The database room: the embedded server, pools, statements, roles and migrations. It knows no tenant and no trade."""
