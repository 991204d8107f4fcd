"""The bench: what Stockade does in a second, against itself without its controls and against PostgreSQL alone."""
