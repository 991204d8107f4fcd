"""The platform's own people: operators, what they see of the tenants, and break-glass access to one for a while."""
