"""What may be allowed about a customer's credit: its fields are hidden, or read-only, without these."""

from stockade.access.permissions import permission

CREDIT = permission("parties:credit", least="viewer", changes=False)
SET_CREDIT = permission("parties:set_credit", least="member")
