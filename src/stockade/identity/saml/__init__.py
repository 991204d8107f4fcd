"""Signing in by an organisation's SAML 2.0 identity provider: the protocol, without pages and without configuration.

We are the service provider of the web browser profile, begun by us alone, and accept what that profile needs and no
more. How to call it, from the routes that do:

1. ``metadata.sp_metadata(…)`` is what the administrator gives the provider; ``metadata.read_idp_metadata(xml, now=…)``
   is what the provider gives back: keep its entity id, sign-on address and certificates as a ``Connection``.
2. To sign somebody in: ``id = request.new_request_id()``; keep the id beside the browser that asks (a signed,
   short-lived cookie with ``SameSite=None; Secure``, because the answer is a POST from another site), together with
   the tenant and the connection. Then ``request.redirect_url(…)``, or ``request.post_fields(…)``
   for a form that posts itself.
3. At the address of consumption, before anything else, take the id out of the browser's keeping: it is used once.
   ``assertion = response.verify(form["SAMLResponse"], config, request_id=kept, now=…, acs_url=…, sp_entity_id=…,
   decryption_key=…)``. ``kept`` is None if the browser has none: then it is refused, as whatever a provider begins is.
4. In the tenant's transaction in which the session is made: ``await seen.remember(tx, assertion.assertion_id,
   assertion.not_on_or_after)``. It refuses an assertion that was brought before, also at the same moment.
5. ``assertion.email`` is one address in lower case. Whether the organisation may speak for that domain is the caller's
   to check, and so is what ``assertion.groups`` mean.

Every refusal is ``SamlRefused``: ``word`` for programs, its ``detail`` a sentence for the administrator who tests.
``acs_url`` and ``sp_entity_id`` come from the installation's own settings, never from the request's headers.
"""
