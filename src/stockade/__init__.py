"""Stockade: a multi-tenant B2B distribution platform whose security page is executable."""

__version__ = "0.1.0"
