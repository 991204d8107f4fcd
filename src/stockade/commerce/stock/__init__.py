"""Stock: warehouses, append-only moves, levels, and reservations that expire."""
