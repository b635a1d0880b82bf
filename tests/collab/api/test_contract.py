"""The API keeps to its own OpenAPI document, whatever comes in: no fault, no answer of another form."""

from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from collab.api.application import create_api
from tests.collab.api.test_api import call, capability, created
from tests.collab.conftest import StartServer

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = 8  # of each operation, caller and mode

Operation = APIOperation[Any, Any, Any, Any]
OPERATIONS: list[Operation] = [
    found.ok() for found in schemathesis.openapi.from_dict(create_api().openapi()).get_all_operations()
]


@pytest.fixture(scope="module")
def api(shared_server: StartServer) -> str:
    unlimited = ("requests_per_hour", "requests_per_minute", "tokens_per_minute", "materials_per_hour")
    return shared_server(auth="links", **dict.fromkeys(unlimited, "0")).http + "/api/v1"


@pytest.fixture(scope="module")
def callers(api: str) -> Mapping[str, dict[str, str]]:
    """The header that each kind of caller sends."""
    material = created(api)
    _, body = call(f"{api}/token", {"id": material["id"], "k": capability(material["links"]["edit"])})
    return {"stranger": {}, "guest": {"Authorization": f"Bearer {body['token']}"}}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("caller", ["stranger", "guest"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_answers_are_as_the_document_says(
    operation: Operation,
    caller: str,
    mode: GenerationMode,
    api: str,
    callers: Mapping[str, dict[str, str]],
    data: st.DataObject,
) -> None:
    if mode.is_negative and not (operation.body or operation.query or operation.path_parameters):
        pytest.skip("nothing that could be wrong")
    case = data.draw(operation.as_strategy(generation_mode=mode))

    case.call_and_validate(base_url=api, headers=callers[caller], checks=CHECKS)
