"""Bank files: received, read once, matched to open invoices, booked by a person."""
