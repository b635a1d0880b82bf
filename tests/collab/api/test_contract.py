"""The API keeps to its own OpenAPI document, whatever comes in: no fault, no answer of another form."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from starlette.applications import Starlette

from collab.api.application import create_api
from collab.app import create_app
from collab.settings import Settings
from tests.collab.api.people import World, make_world
from tests.collab.api.running import bearer
from tests.collab.live import serving

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
    checks.unsupported_method,
]
EXAMPLES = 4  # of each operation and mode

Operation = APIOperation[Any, Any, Any, Any]
OPERATIONS: list[Operation] = [
    found.ok() for found in schemathesis.openapi.from_dict(create_api().openapi()).get_all_operations()
]
CASES = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    # A request without parts cannot be wrong.
    if mode.is_positive or operation.body or operation.query or operation.path_parameters
]


class Server:
    """An application behind a socket, in a thread of its own."""

    def __init__(self, portal: BlockingPortal, app: Starlette, url: str) -> None:
        self.url = url
        self._portal = portal
        self._app = app
        self._worlds: dict[str, World] = {}

    def world(self, operation: str) -> World:
        """What there is for the calls of one operation: others may have deleted theirs."""
        if operation not in self._worlds:
            self._worlds[operation] = self._portal.call(make_world, self._app)
        return self._worlds[operation]


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[tuple[Starlette, str]]:
    unlimited = ("requests_per_hour", "requests_per_minute", "tokens_per_minute", "materials_per_hour")
    app = create_app(Settings(data=data, **dict.fromkeys(unlimited, 0)))
    async with serving(app) as url:
        yield app, url.replace("ws:", "http:") + "/api/v1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_blocking_portal() as portal:
        running = portal.wrap_async_context_manager(served(tmp_path_factory.mktemp("contract")))
        with running as (app, url):
            yield Server(portal, app, url)


@pytest.mark.parametrize(("operation", "mode"), CASES)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_answers_are_as_the_document_says(
    operation: Operation, mode: GenerationMode, server: Server, data: st.DataObject
) -> None:
    """The owner's calls are about things that are there, unless their ids are what is wrong."""
    case = data.draw(operation.as_strategy(generation_mode=mode))
    headers = {}
    if data.draw(st.booleans(), "the owner calls"):
        world = server.world(operation.label)
        headers = bearer(world.tokens["owner"])
        if mode.is_positive and case.path_parameters:
            case.path_parameters |= {
                name: id for name, id in world.ids.items() if name in case.path_parameters
            }

    case.call_and_validate(base_url=server.url, headers=headers, checks=CHECKS)
