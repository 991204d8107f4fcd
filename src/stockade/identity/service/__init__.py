"""The verbs of identity, one file each."""
