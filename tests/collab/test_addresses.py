"""Limits per address, on a real server."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.server import ServerProcess
from collab.protocol import ywebsocket
from tests.collab.conftest import StartServer
from tests.collab.test_websocket import SECRET, token

pytestmark = pytest.mark.anyio

STUDENTS = 1000


def post(url: str, body: Any, **headers: str) -> tuple[int, dict[str, Any], Any]:
    """Status, decoded body and headers."""
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.loads(response.read()), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), error.headers


def rejects(server: ServerProcess, label: str) -> float:
    with urllib.request.urlopen(f"{server.http}/metrics") as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if f'rejects_total{{reason="{label}"}}' in line)


async def refusal(url: str) -> int | None:
    client = await connect(url)
    with pytest.raises(ConnectionClosed):
        await client.recv()
    return client.close_code


async def test_a_class_of_a_thousand_opens_at_once(start_server: StartServer) -> None:
    """From one address: all ask for a token, then all open a socket."""
    server = start_server(auth="links")
    _, material, _ = post(f"{server.http}/api/v1/materials", {"kind": "guide"})
    body = {"id": material["id"], "k": material["links"]["edit"].partition("#k=")[2]}
    lanes = [STUDENTS // 20] * 20
    tokens = await asyncio.gather(*(asyncio.to_thread(_tokens, server, body, lane) for lane in lanes))
    sockets = [
        await connect(f"{server.url}/{material['id']}?token={given}") for lane in tokens for given in lane
    ]
    greetings = await asyncio.gather(*(socket.recv(decode=False) for socket in sockets))
    for socket in sockets:
        socket.transport.abort()

    assert len(greetings) == STUDENTS
    assert all(ywebsocket.decode(greeting) for greeting in greetings)


def _tokens(server: ServerProcess, body: dict[str, str], count: int) -> list[str]:
    answers = [post(f"{server.http}/api/v1/token", body) for _ in range(count)]
    assert {status for status, _, _ in answers} == {200}
    return [answer["token"] for _, answer, _ in answers]


async def test_too_many_token_requests_are_told_when_to_come_again(start_server: StartServer) -> None:
    server = start_server(auth="links", tokens_per_minute="2", materials_per_hour="1")
    url = f"{server.http}/api/v1"
    assert post(f"{url}/materials", {"kind": "guide"})[0] == 201
    assert [post(f"{url}/token", {"id": "m"})[0] for _ in range(2)] == [403, 403]
    for address, body, within in (("materials", {"kind": "guide"}, 3600), ("token", {"id": "m"}, 60)):
        status, problem, headers = post(f"{url}/{address}", body)
        assert (status, headers["content-type"]) == (429, "application/problem+json")
        assert 1 <= int(headers["retry-after"]) <= within
        assert problem["title"]

    assert (rejects(server, "token_requests"), rejects(server, "new_materials")) == (1, 1)


async def test_too_many_bad_tokens_are_put_off_and_good_ones_get_in(start_server: StartServer) -> None:
    server = start_server(auth="jwt", jwt_secret=SECRET, failed_handshakes_per_minute="3")
    codes = [await refusal(f"{server.url}/m?token=bad") for _ in range(5)]
    async with connect(f"{server.url}/{uuid4()}?token={token(create=True)}") as student:
        assert await student.recv()

    assert codes == [4401, 4401, 4401, 4529, 4529]
    assert rejects(server, "failed_handshakes") == 2


@pytest.mark.parametrize(("proxies", "expected"), [("", [403, 429]), ("127.0.0.0/8", [403, 403])])
async def test_only_a_trusted_proxy_is_believed(
    start_server: StartServer, proxies: str, expected: list[int]
) -> None:
    server = start_server(auth="links", tokens_per_minute="1", proxies=proxies)
    statuses = [
        post(f"{server.http}/api/v1/token", {"id": "m"}, **{"X-Forwarded-For": f"203.0.113.{host}"})[0]
        for host in (1, 2)
    ]

    assert statuses == expected
