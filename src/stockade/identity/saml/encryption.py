"""Encrypted assertions: AES (GCM, or CBC for older providers) under RSA-OAEP; nothing else (XML Encryption 1.1).

Whoever knows our public key can encrypt, so that a decrypted assertion is worth nothing until the signature inside it
is verified. CBC has no integrity of its own: every failure from the key to that signature is told in the same words and
by the same word, lest the difference decrypt a stolen assertion byte by byte (a padding
oracle: Jager and Somorovsky, 2011).
"""

import base64
import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from stockade.identity.saml.document import XENC, XENC11, Element, children, parsed, qualified
from stockade.identity.saml.refusal import SamlRefused
from stockade.kernel.words import said

GCM = {f"{XENC11}aes{bits}-gcm": bits // 8 for bits in (128, 192, 256)}
CBC_OLD = {f"{XENC}aes{bits}-cbc": bits // 8 for bits in (128, 192, 256)}
OAEP_MGF1 = f"{XENC}rsa-oaep-mgf1p"
OAEP_11 = f"{XENC11}rsa-oaep"
# SHA-1 stays good for OAEP, which does not depend on collisions, and is what most providers use there.
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    "http://www.w3.org/2000/09/xmldsig#sha1": hashes.SHA1,
    f"{XENC}sha256": hashes.SHA256,
    f"{XENC}sha512": hashes.SHA512,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384,
}
_MASKS: dict[str, type[hashes.HashAlgorithm]] = {
    f"{XENC11}mgf1sha1": hashes.SHA1,
    f"{XENC11}mgf1sha256": hashes.SHA256,
    f"{XENC11}mgf1sha384": hashes.SHA384,
    f"{XENC11}mgf1sha512": hashes.SHA512,
}
Keys = RSAPrivateKey | tuple[RSAPrivateKey, ...]


class _Parts(NamedTuple):
    algorithm: str
    data: bytes
    padding: OAEP
    key: bytes


def unreadable() -> SamlRefused:
    """The one refusal for all that can be wrong between the key and the signature inside."""
    return SamlRefused(
        word="encryption",
        sentence=said(
            "The encrypted assertion cannot be decrypted, or is not signed inside by a configured certificate: "
            "give the provider our current metadata, and let it sign the assertion before it encrypts it."
        ),
    )


def decrypted(encrypted: Element, keys: Keys | None) -> Element:
    """Return the root of the decrypted assertion, which nobody may believe before its signature is verified.

    Several keys are tried in turn, so that ours can be changed while the provider still has the old one.
    """
    if keys is None:
        raise SamlRefused(
            word="encryption-key",
            sentence=said("The provider encrypts, but no key of ours is configured: switch encryption off there."),
        )
    parts = _parts_of(encrypted)
    for key in (keys,) if isinstance(keys, RSAPrivateKey) else keys:
        try:
            clear = _opened(parts, key.decrypt(parts.key, parts.padding))
            root = parsed(clear)
        except (ValueError, InvalidTag, SamlRefused):
            continue
        if root.tag == qualified("saml", "Assertion"):
            return root
    raise unreadable()


def _opened(parts: _Parts, content_key: bytes) -> bytes:
    if len(content_key) != {**GCM, **CBC_OLD}[parts.algorithm]:
        raise ValueError("the key's length is not the algorithm's")
    if parts.algorithm in GCM:
        return AESGCM(content_key).decrypt(parts.data[:12], parts.data[12:], None)
    if len(parts.data) < 32 or len(parts.data) % 16:
        raise ValueError("not whole blocks")
    opening = Cipher(AES(content_key), CBC(parts.data[:16])).decryptor()
    padded = opening.update(parts.data[16:]) + opening.finalize()
    if not 1 <= padded[-1] <= 16:
        raise ValueError("no padding")
    return padded[: -padded[-1]]


def _parts_of(encrypted: Element) -> _Parts:
    """Return the ciphertexts and how they were made; the key stands in the data's KeyInfo or beside it."""
    datas = children(encrypted, "xenc:EncryptedData")
    keys = list(encrypted.iter(qualified("xenc", "EncryptedKey")))
    if len(datas) != 1 or len(keys) != 1:
        raise SamlRefused(
            word="encryption-algorithm",
            sentence=said("The encrypted assertion has not exactly one part and one key for it."),
        )
    algorithm = _method(datas[0])
    if algorithm not in GCM and algorithm not in CBC_OLD:
        raise SamlRefused(
            word="encryption-algorithm",
            sentence=said("The provider encrypts with {algorithm}: let it use AES-GCM.", algorithm=algorithm[-60:]),
        )
    return _Parts(algorithm, _cipher_value(datas[0]), _padding_of(keys[0]), _cipher_value(keys[0]))


def _padding_of(key: Element) -> OAEP:
    algorithm = _method(key)
    digest = _named(key, "ds:DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1")
    mask = _named(key, "xenc11:MGF", f"{XENC11}mgf1sha1")
    if algorithm not in (OAEP_MGF1, OAEP_11) or digest not in _DIGESTS or mask not in _MASKS:
        raise SamlRefused(
            word="encryption-algorithm",
            sentence=said(
                "The provider encrypts its key with {algorithm}: let it use RSA-OAEP.", algorithm=algorithm[-60:]
            ),
        )
    return OAEP(MGF1(_MASKS[mask]()), _DIGESTS[digest](), None)


def _method(element: Element) -> str:
    found = children(element, "xenc:EncryptionMethod")
    return (found[0].get("Algorithm") or "") if len(found) == 1 else ""


def _named(key: Element, path: str, otherwise: str) -> str:
    found = children(key, f"xenc:EncryptionMethod/{path}")
    return (found[0].get("Algorithm") or "") if found else otherwise


def _cipher_value(element: Element) -> bytes:
    found = children(element, "xenc:CipherData/xenc:CipherValue")
    if len(found) != 1:
        raise SamlRefused(
            word="encryption-algorithm", sentence=said("The encrypted assertion does not hold what is encrypted.")
        )
    try:
        return base64.b64decode("".join((found[0].text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise unreadable() from error
