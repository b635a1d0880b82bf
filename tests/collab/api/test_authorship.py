"""Who wrote what, over HTTP, of what people write over real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pycrdt import Doc, Text
from starlette.applications import Starlette

from benchmarks.client import Client
from collab.app import create_app
from collab.auth.grants import Grant, Role
from collab.participant import Participant
from collab.settings import Settings
from storage.catalog.catalog import Catalog
from storage.catalog.people_values import User
from storage.compactor import Compactor
from tests.collab.api.people import World, make_world
from tests.collab.api.running import bearer
from tests.collab.live import serving, write

pytestmark = pytest.mark.anyio


@dataclass
class Place:
    """A server, who is there, and its API."""

    app: Starlette
    url: str
    world: World
    api: httpx2.AsyncClient

    @property
    def material(self) -> str:
        return self.world.ids["material"]

    @property
    def catalog(self) -> Catalog:
        catalog: Catalog = self.app.state.backends.catalog
        return catalog

    @asynccontextmanager
    async def session(self, who: str) -> AsyncIterator[Client]:
        headers = bearer(self.world.tokens[who])
        answer = await self.api.post(f"/materials/{self.material}/ticket", headers=headers)
        client = Client(f"{self.url}/collab", self.material, ticket=answer.json()["token"])
        await client.connect()
        try:
            yield client
            await client.until_saved()
        finally:
            await client.close()

    async def get(self, what: str, who: str = "viewer", **query: Any) -> Any:
        headers = bearer(self.world.tokens[who])
        answer = await self.api.get(f"/materials/{self.material}/{what}", headers=headers, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ranges(self, client: int) -> list[dict[str, Any]]:
        return [item for item in (await self.get("authorship"))["items"] if item["client"] == client]

    async def compact(self) -> None:
        backends = self.app.state.backends
        await Compactor(backends.log, backends.objects).compact(self.material, 1)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    app = create_app(Settings(data=tmp_path))
    async with serving(app) as url, httpx2.AsyncClient(base_url=url.replace("ws", "http") + "/api/v1") as api:
        yield Place(app, url, await make_world(app), api)


async def test_ranges_name_who_wrote_and_who_deleted(place: Place) -> None:
    async with place.session("editor") as editor:
        await write(editor, "hello")
        mine = editor.doc.client_id
    async with place.session("owner") as owner:
        text = owner.doc.get("text", type=Text)
        await owner.edit(lambda: text.__delitem__(slice(0, 2)))
    users = place.world.users

    first, second = await place.ranges(mine)

    assert (first["clock"], first["length"], second["clock"], second["length"]) == (0, 2, 2, 3)
    assert first["author"] == second["author"] == users["editor"]
    assert (first["deleted_by"], second["deleted_by"], second["deleted"]) == (users["owner"], None, None)
    assert 0 < first["time"] <= first["deleted"]
    people = {one["id"]: (one["name"], one["ai"]) for one in (await place.get("authorship"))["people"]}
    assert people == {
        users["editor"]: ("editor", False),
        users["owner"]: ("owner", False),
        "server": (None, False),
    }


async def test_what_is_relayed_is_nobodys_also_when_it_is_history(place: Place) -> None:
    """The owner sends words under the client id of the editor, who has left."""
    async with place.session("editor") as editor:
        await write(editor, "hello")
        mine, state = editor.doc.client_id, editor.doc.get_update()
    forger: Doc[Any] = Doc(client_id=mine)
    forger.apply_update(state)
    before = forger.get_state()
    forger.get("text", type=Text).insert(5, " forged")
    async with place.session("owner") as owner:
        await owner.send_update(forger.get_update(before))
    users = place.world.users
    for _ in range(3):
        wrote, relayed = await place.ranges(mine)

        assert (wrote["length"], wrote["author"], wrote["relayed_by"]) == (5, users["editor"], None)
        assert (relayed["length"], relayed["author"], relayed["relayed_by"]) == (7, None, users["owner"])
        await place.compact()
        async with place.session("owner") as owner:
            await write(owner, ".")


async def test_contributions_and_the_share_of_ai(place: Place) -> None:
    async with place.session("editor") as editor:
        await write(editor, "hello")
        await editor.edit(lambda: editor.doc.get("text", type=Text).__delitem__(slice(4, 5)))
    async with place.session("owner") as owner:
        await owner.edit(lambda: owner.doc.get("text", type=Text).__delitem__(slice(0, 1)))
    room = await place.app.state.hub.open(place.material)
    async with await Participant.join(room, Grant("ai:7", "Tutor", Role.EDITOR)) as tutor:
        with tutor.edit() as doc:
            doc.get("text", type=Text).insert(0, "four")
        await tutor.saved()

    found = await place.get("contributions")
    by_id = {item["author"]["id"]: item for item in found["items"]}
    server, writer = by_id["server"], by_id[place.world.users["editor"]]

    assert {key: writer[key] for key in writer if key != "author"} == {
        "inserted": 5,
        "present": 3,
        "relayed": 0,
        "deleted_own": 1,
        "deleted_others": 0,
    }
    assert by_id[place.world.users["owner"]]["deleted_others"] == 1
    assert by_id["ai:7"]["author"] == {"id": "ai:7", "name": None, "ai": True}
    assert found["total"] == {"inserted": server["inserted"] + 9, "present": server["present"] + 7}
    assert found["relayed"] == found["unattributed"] == {"inserted": 0, "present": 0}
    assert found["ai"] == {"inserted": 4, "present": 4, "share": 4 / found["total"]["present"]}


async def test_a_comment_is_its_authors_though_the_server_writes_it(place: Place) -> None:
    body = {"op": "comment", "target": {"root": "body"}, "body": "why?"}
    headers = bearer(place.world.tokens["commenter"])
    answer = await place.api.post(f"/materials/{place.material}/comments", headers=headers, json=body)
    assert answer.status_code == 200, answer.text

    found = {item["author"]["id"]: item for item in (await place.get("contributions"))["items"]}
    assert found[place.world.users["commenter"]]["present"] >= len("why?")


async def test_lists_come_in_pages(place: Place) -> None:
    async with place.session("editor") as editor:
        await write(editor, "hello")
    whole = await place.get("authorship")
    paged, after = [], ""
    while after is not None:
        page = await place.get("authorship", limit=1, after=after)
        assert len(page["items"]) == 1
        paged += page["items"]
        after = page["next"]
    assert paged == whole["items"]

    first = await place.get("contributions", limit=1)
    second = await place.get("contributions", limit=1, after=first["next"])
    assert second["next"] is None
    assert first["total"] == second["total"]
    assert first["items"] + second["items"] == (await place.get("contributions"))["items"]


@pytest.mark.parametrize("query", ["after=1", "after=a:b", "after=1:-1", "limit=0", "limit=9999"])
async def test_a_place_that_is_none_is_refused(place: Place, query: str) -> None:
    headers = bearer(place.world.tokens["viewer"])
    answer = await place.api.get(f"/materials/{place.material}/authorship?{query}", headers=headers)

    assert answer.status_code == 400


async def test_a_guests_work_is_the_accounts_that_took_it_over(place: Place) -> None:
    async with place.session("editor") as editor:
        await write(editor, "hello")
    users, people = place.world.users, place.catalog.people
    await people.claim(User(users["editor"], "Guest", 1, guest=True), users["owner"])
    assert users["owner"] not in str(await place.get("contributions")), "an account is claimed by nobody"

    await people.add_user(User("guest:1", "Guest", 1, guest=True))
    await people.claim(User("guest:1", "Guest", 1, guest=True), users["owner"])
    found = await place.app.state.authorship.people({"guest:1", users["owner"], "guest:2", "ai:1", ""})

    assert {author: (person.id, person.name, person.is_ai) for author, person in found.items()} == {
        "guest:1": (users["owner"], "owner", False),
        users["owner"]: (users["owner"], "owner", False),
        "guest:2": ("guest:2", "", False),
        "ai:1": ("ai:1", "", True),
    }
