"""Suspicion: what is unlike a person's own past raises an alert, and where the organisation wants it, more than that.

The sign-in flow calls ``noting.note_sign_in`` once every factor has been checked and before it opens the session.
"""
