"""The web server's process: granian with TLS 1.3, and as many workers as were asked for."""

import logging

from granian import Granian
from granian.constants import Interfaces, Loops, SSLProtocols
from granian.log import LogLevels

from stockade.apps.installation import Installation
from stockade.kernel.logging import configure_logging
from stockade.web.limits import prepare_concurrency, prepare_limits
from stockade.web.metrics import prepare_metrics

TARGET = "stockade.apps.site:application"


def run() -> None:
    """Serve until SIGTERM."""
    configure_logging(level=logging.INFO)
    installation = Installation()
    settings = installation.settings
    certificate = installation.certificate()
    run_folder = settings.home / "run"
    run_folder.mkdir(mode=0o700, exist_ok=True)
    prepare_limits(run_folder / "limits")
    prepare_concurrency(run_folder / "concurrency")
    prepare_metrics(run_folder / "metrics")
    Granian(
        TARGET, factory=True, address=settings.host, port=settings.port, interface=Interfaces.ASGI,
        workers=settings.workers, loop=Loops.uvloop, ssl_cert=certificate.certificate, ssl_key=certificate.key,
        log_access=False, log_enabled=True, log_level=LogLevels.warning, websockets=False, respawn_failed_workers=True,
        ssl_protocol_min=SSLProtocols.tls12 if settings.tls_minimum == "1.2" else SSLProtocols.tls13,
    ).serve()  # fmt: skip


if __name__ == "__main__":
    run()
