"""Passwords: how they are hashed, which foreign hashes are accepted, and which passwords are too easy to guess."""
