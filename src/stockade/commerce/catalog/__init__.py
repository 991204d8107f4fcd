"""Catalogue: products, their packing, VAT category, barcode and list price."""
