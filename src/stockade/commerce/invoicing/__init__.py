"""Invoicing: invoices and credit notes, issued once, numbered without a gap, never changed."""
