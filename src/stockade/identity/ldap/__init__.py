"""Signing in by an organisation's LDAP directory or Active Directory: over TLS only, by the extra ``ldap``."""
