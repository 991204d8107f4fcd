"""Numbering: the numbers that documents carry."""
