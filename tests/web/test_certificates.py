"""The local authority: accepted by TLS clients for this installation's names, and useless for any other."""

import shutil
import socket
import ssl
import stat
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from stockade.kernel import clock
from stockade.kernel.problems import Refusal
from stockade.web import certificates
from stockade.web.certificates import CertificateFiles, describe, ensure_local_certificate


def _handshake(files: CertificateFiles, authority: Path, host: str) -> str | None:
    """Serve one TLS 1.3 connection on loopback and return the version that a verifying client saw."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    server.load_cert_chain(files.certificate, files.key)
    client = ssl.create_default_context(cafile=authority)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            try:
                with server.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
            except (ssl.SSLError, ConnectionError):
                connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=5) as plain,
                client.wrap_socket(plain, server_hostname=host) as secured,
            ):
                return secured.version()
        finally:
            thread.join()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "shop.example", "192.168.7.5"])
def test_a_strict_tls_1_3_client_that_trusts_the_authority_accepts_every_name(tmp_path: Path, host: str) -> None:
    files = ensure_local_certificate(tmp_path, ["shop.example", "192.168.7.5"])
    assert _handshake(files, files.authority, host) == "TLSv1.3"


def test_a_client_refuses_a_name_that_was_not_asked_for(tmp_path: Path) -> None:
    files = ensure_local_certificate(tmp_path, [])
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _handshake(files, files.authority, "shop.example")


def test_a_client_that_trusts_another_authority_refuses(tmp_path: Path) -> None:
    files = ensure_local_certificate(tmp_path / "ours", [])
    other = ensure_local_certificate(tmp_path / "theirs", [])
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(files, other.authority, "localhost")


@pytest.mark.parametrize("stolen_for", ["bank.example", "10.0.0.1"])
def test_a_stolen_authority_key_cannot_vouch_for_a_foreign_name(tmp_path: Path, stolen_for: str) -> None:
    files = ensure_local_certificate(tmp_path, [])
    authority = certificates._read_pair(files.authority, tmp_path / "authority.key")
    assert authority is not None
    forged = certificates._make_server(certificates._general_names([stolen_for]), authority)
    files.certificate.write_bytes(certificates._pem(forged.certificate))
    files.key.write_bytes(certificates._key_pem(forged.key))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        _handshake(files, files.authority, stolen_for)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl's command line is not installed")
def test_openssl_verifies_the_chain_for_a_web_server(tmp_path: Path) -> None:
    files = ensure_local_certificate(tmp_path, ["shop.example"])
    checked = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", files.authority, files.certificate],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout.endswith(": OK\n"), checked.stderr


def test_keys_are_readable_by_their_owner_alone_even_after_someone_opened_them(tmp_path: Path) -> None:
    files = ensure_local_certificate(tmp_path, [])
    files.key.chmod(0o644)
    ensure_local_certificate(tmp_path, [])
    for key in (files.key, tmp_path / "authority.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_doing_it_again_changes_nothing(tmp_path: Path) -> None:
    files = ensure_local_certificate(tmp_path, ["shop.example"])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert ensure_local_certificate(tmp_path, ["SHOP.example", "localhost"]) == files
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_certificate_file_holds_the_chain_and_lives_ninety_days(tmp_path: Path) -> None:
    files = ensure_local_certificate(tmp_path, ["shop.example"])
    chain = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    assert chain[1:] == x509.load_pem_x509_certificates(files.authority.read_bytes())
    until, names = describe(files.certificate)
    assert timedelta(days=89) < until - clock.now() <= timedelta(days=90)
    assert names == ["localhost", "127.0.0.1", "::1", "shop.example"]


def test_it_is_renewed_by_the_same_authority_when_less_than_thirty_days_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ensure_local_certificate(tmp_path, [])
    first, authority = describe(files.certificate)[0], files.authority.read_bytes()
    moment = clock.now()
    monkeypatch.setattr(certificates, "now", lambda: moment + timedelta(days=59))
    ensure_local_certificate(tmp_path, [])
    assert describe(files.certificate)[0] == first
    monkeypatch.setattr(certificates, "now", lambda: moment + timedelta(days=61))
    ensure_local_certificate(tmp_path, [])
    assert describe(files.certificate)[0] > first
    assert files.authority.read_bytes() == authority


def test_a_name_below_a_permitted_one_keeps_the_authority_and_a_foreign_one_replaces_it(tmp_path: Path) -> None:
    files = ensure_local_certificate(tmp_path, [])
    authority = files.authority.read_bytes()
    ensure_local_certificate(tmp_path, ["acme.localhost"])
    assert files.authority.read_bytes() == authority
    assert _handshake(files, files.authority, "acme.localhost") == "TLSv1.3"
    ensure_local_certificate(tmp_path, ["notlocalhost"])
    assert files.authority.read_bytes() != authority
    assert _handshake(files, files.authority, "notlocalhost") == "TLSv1.3"


@pytest.mark.parametrize("damaged", ["server.crt", "server.key", "authority.crt", "authority.key"])
def test_a_damaged_or_mismatched_file_is_made_again(tmp_path: Path, damaged: str) -> None:
    files = ensure_local_certificate(tmp_path / "ours", [])
    other = ensure_local_certificate(tmp_path / "theirs", [])
    for content in (b"not PEM", (other.key.parent / damaged).read_bytes()):
        (tmp_path / "ours" / damaged).write_bytes(content)
        ensure_local_certificate(tmp_path / "ours", [])
        assert _handshake(files, files.authority, "localhost") == "TLSv1.3"


@pytest.mark.parametrize("name", ["two words", "", "-dash.example", "http://shop.example", "shop..example", "a" * 64])
def test_what_is_no_name_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal, match="neither a host name nor an address"):
        ensure_local_certificate(tmp_path, [name])


def test_describing_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.crt").write_text("nothing")
    with pytest.raises(Refusal, match="not a readable certificate"):
        describe(tmp_path / "x.crt")
