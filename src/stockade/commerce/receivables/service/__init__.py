"""Verbs of receivables: record, allocate, take back, write off, read, age, state."""
