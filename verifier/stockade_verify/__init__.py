"""Checks the signed claims of a Stockade installation, offline. It imports nothing of the platform on purpose."""
