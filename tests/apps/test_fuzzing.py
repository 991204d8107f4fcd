"""The API's own description, turned against it: Schemathesis makes valid and invalid requests of every operation.

No answer is a 5xx, none has a status or a content type that is not documented, and each has the documented shape. Half
of the requests carry ids of existing rows, so that they get past the first 404.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.conftest import MakeTenant, Server
from tests.running import ORIGIN, Site, running_site
from tests.walls.trading import Trader

from stockade.database.roles import Role
from stockade.tenancy.transaction import Database, open_pool

EXAMPLES = {GenerationMode.POSITIVE: 12, GenerationMode.NEGATIVE: 12}
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
STARTING_OVER = 10
"""A tenant of its own for so many operations: what one fuzzed request archives or ends, the next cannot use."""


@dataclass
class Target:
    """The application in a loop of its own: Hypothesis calls synchronously."""

    runner: asyncio.Runner
    site: Site
    make_tenant: MakeTenant
    trader: Trader

    def renew(self) -> None:
        """Take a fresh tenant with one of everything."""
        self.trader = self.runner.run(furnished(self.site, self.make_tenant))

    def send(self, case: Any) -> httpx.Response:
        """Send a case, byte for byte as Schemathesis would."""
        prepared = requests.Request(**case.as_transport_kwargs(base_url=ORIGIN)).prepare()
        headers = {name: value for name, value in prepared.headers.items() if name.lower() != "authorization"}
        headers["Authorization"] = f"Bearer {self.trader.key}"
        asked = self.site.client.build_request(prepared.method, prepared.url, content=prepared.body, headers=headers)
        return self.runner.run(self.site.client.send(asked))


async def furnished(site: Site, make_tenant: MakeTenant) -> Trader:
    """A trader with one of everything."""
    trader = Trader(site, await site.key(await make_tenant()))
    await trader.furnish()
    return trader


@pytest.fixture
def target(server: Server, database_name: str, make_tenant: MakeTenant, tmp_path: Path) -> Iterator[Target]:
    """The application, and someone who may do everything."""
    with asyncio.Runner() as runner:
        pool = runner.run(open_pool(server.dsn(Role.APPLICATION, database_name), server.signer, size=4))
        gate = runner.run(open_pool(server.dsn(Role.GATE, database_name), server.signer, size=2))
        database = Database({"main": pool}, gate=gate)
        home = Path(os.environ["STOCKADE_TEST_HOME"])
        running = running_site(home, tmp_path, server.admin_dsn(database_name), database)
        site = runner.run(running.__aenter__())
        yield Target(runner, site, make_tenant, runner.run(furnished(site, make_tenant)))
        runner.run(running.__aexit__(None, None, None))
        runner.run(database.close())


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_no_request_that_schemathesis_can_think_of_gets_an_undocumented_answer(
    target: Target, mode: GenerationMode
) -> None:
    description = target.runner.run(target.site.client.get("/api/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=ORIGIN)
    operations = [found.ok() for found in schema.get_all_operations()]
    wrong: dict[str, str] = {}
    sent: dict[int, int] = {}
    for number, operation in enumerate(operations):
        if number % STARTING_OVER == STARTING_OVER - 1:
            target.renew()
        try:
            attack(target, operation, mode, sent)
        except (Failure, FailureGroup) as failure:
            wrong[operation.label] = told(failure)
    assert not wrong, "\n\n".join(f"{label}\n{text}" for label, text in wrong.items())
    assert len(operations) > 60
    assert sum(sent.values()) > 5 * len(operations)
    assert sum(count for status, count in sent.items() if status < 300) > 100


def attack(target: Target, operation: Any, mode: GenerationMode, sent: dict[int, int]) -> None:
    """Send some cases of one operation; raise what Schemathesis finds wrong with an answer."""

    @settings(
        max_examples=EXAMPLES[mode], derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), real=some.booleans())
    def run(case: Any, real: bool) -> None:
        if real:
            use_real_ids(case, target.trader.made)
        response = target.send(case)
        sent[response.status_code] = sent.get(response.status_code, 0) + 1
        case.validate_response(response, checks=CHECKS)

    run()


def use_real_ids(case: Any, made: dict[str, Any]) -> None:
    """Put ids of existing rows where the case has made-up ones."""
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            for name in place:
                if name in made:
                    place[name] = str(made[name])
                elif name in ("lines", "allocations") and isinstance(place[name], list):
                    for line in place[name]:
                        if isinstance(line, dict):
                            line.update({key: str(made[key]) for key in line if key in made})


def told(failure: Any) -> str:
    """What is wrong, in a few lines."""
    found = getattr(failure, "exceptions", [failure])
    return "\n".join(f"- {type(one).__name__}: {str(one)[:1500]}" for one in found)
