"""The embedded server's ``postgresql.conf``: sized for the machine, silent about people's data."""

import os
from pathlib import Path

MEGABYTE = 1024 * 1024
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

_SETTINGS = """\
# Written by Stockade at every start. Settings of your own: ALTER SYSTEM (they live in postgresql.auto.conf and win).

# Who may come in: programs of this machine, through a folder that only its owner enters, with a password.
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
authentication_timeout = '10s'
max_connections = 200
max_locks_per_transaction = 256

# What nobody may read elsewhere. The texts of running statements are shown to every session of the same login, so SQL
# injected into one tenant's request could read another's literals in pg_stat_activity, its signed pin included.
# (A role may be given them back: ALTER ROLE ... SET track_activities = on.)
track_activities = off
# The log gets errors, but neither the statement nor its parameters nor the DETAIL ("Key (email)=(...) exists").
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_min_error_statement = 'panic'
log_min_duration_statement = -1
log_statement = 'none'
log_error_verbosity = 'terse'

# Seven files, one a weekday, so that a log that somebody provokes cannot fill the disk for good.
logging_collector = on
log_filename = 'postgres-%a.log'
log_file_mode = 0600
log_rotation_age = '1d'
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %u@%d '
log_timezone = 'UTC'
lc_messages = 'C'

# Shape of the work: many short transactions.
jit = off
random_page_cost = 1.1
wal_level = 'replica'
wal_compression = 'pglz'
checkpoint_timeout = '15min'
timezone = 'UTC'
default_text_search_config = 'pg_catalog.simple'
"""

_SIZES = """
# Sized for the memory that this process may use ({memory_mb} MB).
shared_buffers = '{shared_mb}MB'
effective_cache_size = '{cache_mb}MB'
maintenance_work_mem = '{maintenance_mb}MB'
work_mem = '{work_mb}MB'
max_wal_size = '{wal_mb}MB'
"""

_NOT_DURABLE = """
# FOR TESTS ONLY: a power cut destroys this database.
fsync = off
synchronous_commit = off
full_page_writes = off
"""


def server_settings(*, durable: bool, memory_bytes: int | None = None) -> str:
    """Return the text of ``postgresql.conf``; paths are left to the command line, so a base backup starts anywhere.

    ``memory_bytes`` is what the machine or container grants (None: look); ``durable=False`` is for tests alone.
    """
    memory_mb = (memory_bytes or granted_memory_bytes()) // MEGABYTE
    return (
        _SETTINGS
        + _SIZES.format(
            memory_mb=memory_mb,
            shared_mb=_between(64, memory_mb // 4, 2048) if durable else 64,
            cache_mb=max(memory_mb // 2, 128),
            maintenance_mb=_between(32, memory_mb // 16, 512),
            work_mb=_between(4, memory_mb // 400, 32),
            wal_mb=2048 if durable else 512,
        )
        + ("" if durable else _NOT_DURABLE)
    )


def granted_memory_bytes() -> int:
    """Return the memory of the machine, or of the container if that has less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _CGROUP_LIMITS:
        try:
            return min(machine, int(path.read_text()))
        except (OSError, ValueError):  # No such group, or "max".
            continue
    return machine


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))
