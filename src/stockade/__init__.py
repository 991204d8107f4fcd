"""Stockade: a multi-tenant B2B distribution platform whose security page is executable."""

import gc

__version__ = "0.1.0"

# Python's own 700 looks for garbage thousands of times while the modules are read: a quarter of the time of a start.
gc.set_threshold(50_000, 20, 10)
