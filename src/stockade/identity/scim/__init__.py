"""SCIM 2.0 (RFC 7643, RFC 7644): an organisation's own directory says who works here, and in which groups.

A client holds the organisation's token, which opens ``/scim/`` and nothing else. It touches memberships of its own
organisation only: never an account's address or name, which belong to the person and may serve another organisation.
"""
