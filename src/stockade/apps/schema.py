"""Every table of the product, by importing every model: the one place that knows them all."""

import stockade.audit.model
import stockade.commerce.catalog.model
import stockade.commerce.desk.model
import stockade.commerce.imports.model
import stockade.commerce.invoicing.model
import stockade.commerce.ledger.model
import stockade.commerce.numbering.model
import stockade.commerce.orders.model
import stockade.commerce.parties.model
import stockade.commerce.receivables.model
import stockade.commerce.stock.model
import stockade.idempotency.model
import stockade.identity.factors.model
import stockade.identity.model
import stockade.identity.passwords.model
import stockade.identity.reviews.model
import stockade.identity.saml.model
import stockade.identity.scim.model
import stockade.identity.signing_in.model
import stockade.identity.sso.model
import stockade.identity.suspicion.model
import stockade.identity.tokens.model
import stockade.mail.model
import stockade.platform.model
import stockade.tenancy.model
import stockade.trust.model  # noqa: F401  # imported for the declarations that they make
from stockade.tenancy.declaration import limit_trail

limit_trail("audit.entry")
