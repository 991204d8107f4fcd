"""The wall between tenants: what a table and a column are, the signed pin, and the one transaction."""
