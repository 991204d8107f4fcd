"""The pin's layout, its MAC, and addresses in it."""

import hashlib
import hmac
import time
from uuid import UUID

import pytest

from stockade.tenancy.pin import NOWHERE, PAYLOAD_BYTES, PIN_BYTES, ActorKind, Signer, pack_address

TENANT, ACTOR, REQUEST = UUID(int=0xA), UUID(int=0xB), UUID(int=0xC)
SIGNER = Signer(7, b"k" * 32)


def made(**options: object) -> bytes:
    return bytes.fromhex(
        SIGNER.pin(TENANT, ACTOR, ActorKind.USER, pid=4242, request=REQUEST, address=b"\1" * 16, **options)
    )  # type: ignore[arg-type]


def test_everything_lies_where_the_database_looks_for_it() -> None:
    pin = made(valid_seconds=60)
    assert len(pin) == PIN_BYTES == 110
    assert (pin[0], pin[1:17], pin[17:33], pin[33]) == (7, TENANT.bytes, ACTOR.bytes, ActorKind.USER)
    assert int.from_bytes(pin[34:38]) == 4242
    assert abs(int.from_bytes(pin[38:46]) / 1000 - time.time() - 60) < 5
    assert (pin[46:62], pin[62:78]) == (REQUEST.bytes, b"\1" * 16)


def test_the_mac_is_hmac_sha256_over_the_whole_payload() -> None:
    pin = made()
    assert pin[PAYLOAD_BYTES:] == hmac.digest(SIGNER.secret, pin[:PAYLOAD_BYTES], "sha256")


def test_the_pads_give_the_same_mac_with_sha256_alone_as_the_database_computes_it() -> None:
    pin, (inner, outer) = made(), SIGNER.pads
    assert hashlib.sha256(outer + hashlib.sha256(inner + pin[:PAYLOAD_BYTES]).digest()).digest() == pin[PAYLOAD_BYTES:]


def test_another_secret_gives_another_mac() -> None:
    assert (
        Signer(7, b"x" * 32).pin(TENANT, ACTOR, ActorKind.USER, pid=1)[-64:]
        != SIGNER.pin(TENANT, ACTOR, ActorKind.USER, pid=1)[-64:]
    )


def test_a_signers_id_follows_from_its_secret() -> None:
    assert Signer.of(b"k" * 32).key_id == hashlib.sha256(b"k" * 32).digest()[0]


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("192.0.2.1", bytes(10) + b"\xff\xff\xc0\x00\x02\x01"),
        ("2001:db8::1", bytes.fromhex("20010db8000000000000000000000001")),
        ("::ffff:192.0.2.1", bytes(10) + b"\xff\xff\xc0\x00\x02\x01"),
        ("no address", NOWHERE),
        ("", NOWHERE),
    ],
)
def test_an_address_is_packed_as_ipv6_and_something_else_as_zeros(text: str, packed: bytes) -> None:
    assert pack_address(text) == packed
