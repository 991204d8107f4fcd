"""Certificates for a machine that has none: a local authority, and a server certificate that it signs.

The authority is worth trusting in a browser because of what it cannot do: its name constraints (RFC 5280 section
4.2.1.10) confine it to this installation's names, so that whoever steals its key cannot pose as anybody else.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stockade.kernel.clock import now
from stockade.kernel.files import refusing_disk_errors, write_whole
from stockade.kernel.problems import Refusal

ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")
AUTHORITY_LIFETIME = timedelta(days=3652)
SERVER_LIFETIME = timedelta(days=90)
RENEWED_BEFORE_END = timedelta(days=30)
_CLOCK_TOLERANCE = timedelta(hours=1)
_HOST_NAME = re.compile(r"(?!.{254})[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class CertificateFiles:
    """PEM files: the server's certificate with its chain, its key (PKCS#8), and the authority that browsers import."""

    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_local_certificate(folder: Path, names: Sequence[str]) -> CertificateFiles:
    """Return a certificate for localhost, 127.0.0.1, ::1 and ``names`` (hosts or addresses); make what is missing.

    The server's certificate lives 90 days and is renewed when less than 30 are left, when the names change, or when a
    file is damaged. The authority lives 10 years; it is made anew only when it is too old or may not sign a name.
    ``Refusal`` if a name is neither a host name nor an address, or the folder cannot be written.
    """
    wanted = _general_names([*ALWAYS_NAMED, *names])
    files = CertificateFiles(folder / "server.crt", folder / "server.key", folder / "authority.crt")
    with refusing_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        authority = _read_pair(files.authority, folder / "authority.key")
        if authority is None or not _may_sign(authority.certificate, wanted):
            authority = _make_authority(wanted)
            # Key before certificate: a pair that a crash tears apart does not match, and is made again.
            write_whole(folder / "authority.key", _key_pem(authority.key))
            write_whole(files.authority, _pem(authority.certificate), mode=0o644)
        server = _read_pair(files.certificate, files.key)
        if server is None or not _is_good(server.certificate, authority.certificate, wanted):
            server = _make_server(wanted, authority)
            write_whole(files.key, _key_pem(server.key))
            write_whole(files.certificate, _pem(server.certificate) + _pem(authority.certificate), mode=0o644)
    return files


def describe(path: Path) -> tuple[datetime, list[str]]:
    """Return until when (UTC) the first certificate of a PEM file holds, and for which names."""
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} is not a readable certificate: {error}.") from None
    return certificate.not_valid_after_utc, [str(name.value) for name in _names_of(certificate)]


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: dict[x509.GeneralName, None] = {}
    for name in names:
        try:
            found[x509.IPAddress(ipaddress.ip_address(name))] = None
        except ValueError:
            found[x509.DNSName(_host_name(name))] = None
    return list(found)


def _host_name(name: str) -> str:
    try:
        ascii_name = name.lower().encode("idna").decode()
    except UnicodeError:
        ascii_name = ""
    if not _HOST_NAME.fullmatch(ascii_name):
        raise Refusal(f"{name!r} is neither a host name nor an address: correct STOCKADE_NAMES.")
    return ascii_name


def _make_authority(names: list[x509.GeneralName]) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # The number tells authorities of several installations apart, which a browser's store would else confuse.
    subject = _subject(f"Stockade local authority {key_id.digest.hex()[:8]}")
    permitted = [_constraint(name) for name in names]
    usage = _key_usage(signs_certificates=True)
    certificate = (
        _builder(subject, subject, key.public_key(), AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(key_id, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _make_server(names: list[x509.GeneralName], authority: _Pair) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_id = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(_subject("Stockade"), authority.certificate.subject, key.public_key(), SERVER_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    moment = now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _CLOCK_TOLERANCE)
        .not_valid_after(moment + lifetime)
    )


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _constraint(name: x509.GeneralName) -> x509.GeneralName:
    """Return the name as a constraint: a host name permits itself and what is below it, an address only itself."""
    return x509.IPAddress(ipaddress.ip_network(name.value)) if isinstance(name, x509.IPAddress) else name


def _may_sign(authority: x509.Certificate, names: list[x509.GeneralName]) -> bool:
    """Return whether the authority outlives a new server certificate and its constraints permit every name."""
    if authority.not_valid_after_utc - now() < SERVER_LIFETIME + RENEWED_BEFORE_END:
        return False
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    hosts = [allowed.value for allowed in permitted if isinstance(allowed, x509.DNSName)]
    return all(
        any(name.value == host or name.value.endswith(f".{host}") for host in hosts)
        if isinstance(name, x509.DNSName)
        else _constraint(name) in permitted
        for name in names
    )


def _is_good(server: x509.Certificate, authority: x509.Certificate, names: list[x509.GeneralName]) -> bool:
    try:
        server.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return server.not_valid_after_utc - now() >= RENEWED_BEFORE_END and set(_names_of(server)) == set(names)


def _names_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _read_pair(certificate_path: Path, key_path: Path) -> _Pair | None:
    """Return a certificate and its key; None if one is missing, damaged, or they do not belong together."""
    try:
        certificate = x509.load_pem_x509_certificates(certificate_path.read_bytes())[0]
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
        return None
    # Whatever copied it here may have left it open to others.
    key_path.chmod(0o600)
    return _Pair(certificate, key)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
