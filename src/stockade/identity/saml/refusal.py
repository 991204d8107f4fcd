"""The one way in which a sign-on by SAML is refused, and why.

``word`` is for programs, the trail and tests; the sentence tells an administrator what to set right, on which side. Who
merely tries to sign in is shown the title.
"""

from typing import Literal

from stockade.kernel.problems import Problem

Word = Literal[
    "too-large", "not-base64", "not-xml", "document-type", "not-a-response",
    "status", "unsolicited", "in-response-to", "destination", "issuer",
    "no-assertion", "several-assertions", "unsigned", "misplaced-signature", "signature-shape", "algorithm",
    "transform", "ambiguous-id", "not-pinned", "signature", "no-certificate", "certificate-period", "weak-key",
    "encryption-key", "encryption-algorithm", "encryption",
    "subject", "confirmation", "recipient", "expired", "not-yet-valid", "conditions", "audience", "authentication",
    "attributes", "email", "replayed", "metadata",
]  # fmt: skip


class SamlRefused(Problem):
    """What the identity provider sent, or what is configured about it, is not acceptable."""

    type = "/problems/identity/saml-refused"
    title = "Your organisation's sign-on was not accepted"
    status = 403

    def __init__(self, *, word: Word, sentence: str) -> None:
        super().__init__(sentence, reason=word)
        self.word: Word = word
