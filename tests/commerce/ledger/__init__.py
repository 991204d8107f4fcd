"""Tests of the ledger import, a package so that they share one small ledger."""
