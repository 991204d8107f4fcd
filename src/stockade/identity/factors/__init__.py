"""Factors: what a person proves with who they are. Passkeys, one-time codes of an authenticator app, recovery codes.

They belong to the account, and so to the platform; what an organisation demands of them is its policy.
"""
