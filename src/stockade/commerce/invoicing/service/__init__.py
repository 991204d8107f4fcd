"""Verbs of invoicing: issue, credit, read, list."""
