"""Idempotency: a create that is sent twice under one key happens once, and is answered alike both times."""
