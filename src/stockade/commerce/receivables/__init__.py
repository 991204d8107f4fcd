"""Receivables: payments, allocations, a double-entry journal, ageing and statements."""
