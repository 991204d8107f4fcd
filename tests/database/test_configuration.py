"""The embedded server's settings."""

from stockade.database.configuration import MEGABYTE, server_settings


def test_shared_buffers_are_a_quarter_of_the_memory_within_bounds() -> None:
    assert "shared_buffers = '64MB'" in server_settings(durable=True, memory_bytes=128 * MEGABYTE)
    assert "shared_buffers = '1024MB'" in server_settings(durable=True, memory_bytes=4096 * MEGABYTE)
    assert "shared_buffers = '2048MB'" in server_settings(durable=True, memory_bytes=65536 * MEGABYTE)


def test_only_the_variant_for_tests_goes_without_flushing() -> None:
    assert "fsync = off" not in server_settings(durable=True)
    assert "fsync = off" in server_settings(durable=False)
