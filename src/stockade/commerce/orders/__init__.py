"""Orders: from draft to closed, with partial shipments, backorders and holds."""
