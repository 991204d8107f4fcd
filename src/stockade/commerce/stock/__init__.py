"""Stock: warehouses, append-only moves, levels, and reservations that expire.

Others move stock through ``stockade.commerce.stock.service``; nobody else writes the schema ``stock``.
"""
