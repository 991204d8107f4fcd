"""Signing in, by steps: the table of states, the brake on guessing, and the flow that the pages and the API call."""
