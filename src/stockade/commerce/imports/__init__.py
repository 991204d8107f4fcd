"""Imports: products, customers and opening stock from files that people have, every line accounted for."""
