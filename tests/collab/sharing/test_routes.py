"""Tabs, materials, sharing, groups and moderation over HTTP, from end to end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pycrdt import Map
from starlette.applications import Starlette

from collab.api.dependencies import Person
from collab.auth.grants import Grant, Role
from collab.participant import Participant
from collab.sharing import trash as trash_module
from collab.sharing.links import ShareLinks
from collab.sharing.trash import KEPT, Trash
from storage.catalog.people_values import User
from storage.catalog.shares import CHAT, Item, Scope, Tab
from storage.clock import unix_milliseconds
from storage.keys import encode_id
from storage.values import ZERO
from tests.collab.api.running import bearer, running
from tests.collab.sharing.nodes import SECRET

pytestmark = pytest.mark.anyio


class Api:
    """Calls routes in the name of somebody."""

    def __init__(self, client: httpx2.AsyncClient, app: Starlette) -> None:
        self._client = client
        self.app = app

    async def call(self, who: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        headers = bearer(who) if who else {}
        answer = await self._client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def tab(self, who: str = "ada", title: str = "Biology") -> str:
        id: str = (await self.call(who, "POST", "/tabs", {"title": title}, 201))["id"]
        return id

    async def material(self, tab: str, who: str = "ada", title: str = "Cells") -> str:
        body = {"kind": "guide", "title": title}
        id: str = (await self.call(who, "POST", f"/tabs/{tab}/materials", body, 201))["id"]
        return id

    async def document(self, material: str) -> Participant:
        room = await self.app.state.hub.open(material)
        return await Participant.join(room, Grant("test", "", Role.OWNER))

    async def title(self, material: str) -> str:
        async with await self.document(material) as reader:
            return str(reader.doc.get("meta", type=Map)["title"])


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path) as (client, app):
        yield Api(client, app)


async def test_tabs_are_made_ordered_changed_thrown_away_and_taken_back(api: Api) -> None:
    first, second = await api.tab(title="A"), await api.tab(title="B")
    await api.tab("ben")
    await api.call("ada", "PUT", "/tabs/order", {"ids": [second, first]}, 204)
    assert [tab["id"] for tab in await api.call("ada", "GET", "/tabs")] == [second, first]

    await api.call("ada", "PATCH", f"/tabs/{first}", {"colour": "#00ff00"}, 204)
    await api.call("ada", "PATCH", f"/tabs/{first}", {"title": " C "}, 204)
    shown = await api.call("ada", "GET", f"/tabs/{first}")
    assert (shown["title"], shown["colour"], shown["role"]) == ("C", "#00ff00", "owner")

    await api.call("ada", "DELETE", f"/tabs/{first}", status=204)
    assert [tab["id"] for tab in await api.call("ada", "GET", "/tabs")] == [second]
    assert [tab["id"] for tab in await api.call("ada", "GET", "/tabs?trashed=true")] == [first]
    await api.call("ada", "PATCH", f"/tabs/{first}", {"title": "no"}, 403)
    await api.call("ada", "POST", f"/tabs/{first}/restore", status=204)
    assert len(await api.call("ada", "GET", "/tabs")) == 2


async def test_a_material_is_made_in_a_tab_renamed_in_its_document_and_moved(api: Api) -> None:
    tab, other = await api.tab(), await api.tab()
    material = await api.material(tab)
    await api.call("ada", "PATCH", f"/materials/{material}", {"title": "Zellen 🦠"}, 204)

    shown = await api.call("ada", "GET", f"/materials/{material}")
    assert (shown["title"], shown["owner"], shown["tab"], shown["role"]) == ("Zellen 🦠", "ada", tab, "owner")
    assert await api.title(material) == "Zellen 🦠"

    await api.call("ada", "POST", f"/materials/{material}/move", {"tab": other}, 204)
    assert await api.call("ada", "GET", f"/tabs/{tab}/materials") == []
    assert [one["id"] for one in await api.call("ada", "GET", f"/tabs/{other}/materials")] == [material]
    foreign = await api.tab("ben")
    for wrong in (foreign, "absent"):
        await api.call("ada", "POST", f"/materials/{material}/move", {"tab": wrong}, 422)


async def test_a_copy_has_the_content_and_shares_nothing(api: Api) -> None:
    material = await api.material(await api.tab())
    await api.call("ada", "PUT", f"/materials/{material}/shares", {"grantee": "ben", "role": "viewer"})

    copy = await api.call("ben", "POST", f"/materials/{material}/copy", status=201)
    assert (copy["owner"], copy["tab"], copy["title"]) == ("ben", None, "Cells")
    await api.call("ben", "PATCH", f"/materials/{copy['id']}", {"title": "Mine"}, 204)

    assert await api.title(copy["id"]) == "Mine"
    assert await api.title(material) == "Cells"
    await api.call("ada", "GET", f"/materials/{copy['id']}", status=404)
    assert [one["id"] for one in (await api.call("ben", "GET", "/me/materials"))["items"]] == [copy["id"]]


async def test_a_purge_reaches_the_log_the_objects_and_the_catalogue(api: Api) -> None:
    material, kept = await api.material(await api.tab()), await api.material(await api.tab())
    hub, backends = api.app.state.hub, api.app.state.backends
    for room in list(hub.rooms.values()):
        hub._unload(room)
    await hub._snapshotter.finish(5)
    await api.call("ada", "POST", f"/materials/{material}/purge", status=409)
    await api.call("ada", "DELETE", f"/materials/{material}", status=204)
    await api.call("ada", "POST", f"/materials/{material}/purge", status=204)

    names = await backends.objects.list("")
    assert [name for name in names if encode_id(kept) in name]
    assert not [name for name in names if encode_id(material) in name]
    assert await backends.log.read(material, ZERO) == []
    assert await backends.catalog.shelf.item(material) is None
    await api.call("ada", "GET", f"/materials/{material}", status=404)
    assert await api.title(kept) == "Cells"


async def test_the_trash_is_emptied_after_30_days(api: Api) -> None:
    tab = await api.tab()
    material, kept = await api.material(tab), await api.material(await api.tab())
    await api.call("ada", "DELETE", f"/tabs/{tab}", status=204)
    backends, hub = api.app.state.backends, api.app.state.hub
    trash = Trash(backends.catalog, backends.log, backends.objects, hub.notices)

    assert await trash.empty(unix_milliseconds() + KEPT - 60_000) == 0
    assert await trash.empty(unix_milliseconds() + KEPT + 1) == 1

    assert await backends.catalog.shelf.tab(tab) is None
    assert await backends.catalog.shelf.item(material) is None
    assert await backends.catalog.shelf.item(kept) is not None


async def test_the_trash_empties_itself(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash_module, "_PAUSE", 0.001)
    material = await api.material(await api.tab())
    backends, hub = api.app.state.backends, api.app.state.hub
    await backends.catalog.shelf.trash(Scope.MATERIAL, material, 1)
    trash = Trash(backends.catalog, backends.log, backends.objects, hub.notices)

    task = asyncio.create_task(trash.run(backends.lease))
    async with asyncio.timeout(10):
        while await backends.catalog.shelf.item(material) is not None:
            await asyncio.sleep(0.01)
    task.cancel()


async def test_what_is_in_the_trash_is_its_owners_alone(api: Api) -> None:
    material = await api.material(await api.tab())
    await api.call("ada", "PUT", f"/materials/{material}/shares", {"grantee": "ben", "role": "editor"})
    await api.call("ada", "DELETE", f"/materials/{material}", status=204)

    await api.call("ben", "GET", f"/materials/{material}", status=404)
    assert (await api.call("ada", "GET", f"/materials/{material}"))["trashed"]
    trashed = await api.call("ada", "GET", "/me/materials?trashed=true")
    assert [one["id"] for one in trashed["items"]] == [material]
    await api.call("ada", "POST", f"/materials/{material}/restore", status=204)
    await api.call("ben", "GET", f"/materials/{material}")


@pytest.mark.parametrize("scope", ["tabs", "materials"])
async def test_a_role_is_given_listed_changed_and_taken_back(api: Api, scope: str) -> None:
    tab = await api.tab()
    material = await api.material(tab)
    place = f"/{scope}/{tab if scope == 'tabs' else material}"
    await api.call("ben", "GET", f"/materials/{material}", status=404)

    await api.app.state.backends.catalog.people.add_user(User("ben", "Ben B.", 1))
    given = await api.call("ada", "PUT", f"{place}/shares", {"grantee": "ben", "role": "viewer"})
    assert given["name"] == "Ben B."
    assert (await api.call("ben", "GET", f"/materials/{material}"))["role"] == "viewer"
    again = await api.call("ada", "PUT", f"{place}/shares", {"grantee": "ben", "role": "editor"})
    assert again["id"] == given["id"]
    assert await api.call("ada", "GET", f"{place}/shares") == [again]
    assert [one["id"] for one in (await api.call("ben", "GET", "/shared"))["items"]] == [material]

    await api.call("ben", "GET", f"{place}/shares", status=403)
    await api.call("ada", "DELETE", f"{place}/shares/{again['id']}", status=204)
    await api.call("ada", "DELETE", f"{place}/shares/{again['id']}", status=404)
    await api.call("ben", "GET", f"/materials/{material}", status=404)


async def test_an_ownership_cannot_be_given_nor_a_share_of_another_place_be_taken(api: Api) -> None:
    first, second = await api.material(await api.tab()), await api.material(await api.tab("ben"), "ben")
    given = await api.call("ben", "PUT", f"/materials/{second}/shares", {"grantee": "cy", "role": "viewer"})
    link = await api.call("ben", "POST", f"/materials/{second}/share-links", {"role": "viewer"}, 201)

    await api.call("ada", "PUT", f"/materials/{first}/shares", {"grantee": "ben", "role": "owner"}, 400)
    await api.call("ada", "POST", f"/materials/{first}/share-links", {"role": "owner"}, 400)
    await api.call("ada", "DELETE", f"/materials/{first}/shares/{given['id']}", status=404)
    await api.call("ada", "DELETE", f"/materials/{first}/share-links/{link['id']}", status=404)
    await api.call("cy", "GET", f"/materials/{second}")


@pytest.mark.parametrize("scope", ["tabs", "materials"])
async def test_a_link_opens_a_material_until_it_is_revoked(api: Api, scope: str) -> None:
    tab = await api.tab()
    material = await api.material(tab)
    place = f"/{scope}/{tab if scope == 'tabs' else material}"
    link = await api.call("ada", "POST", f"{place}/share-links", {"role": "commenter", "label": "7b"}, 201)
    path, _, capability = link["path"].partition("#k=")
    assert path == (f"/t/{tab}" if scope == "tabs" else f"/m/{material}")

    request = {"id": material, "k": capability, "name": "Guest"}
    admission = await api.call("", "POST", "/token", request)
    assert admission["role"] == "commenter"
    bearer = api.app.state.door.bearer(admission["token"], material)
    assert (bearer.link, bearer.granted) == (link["id"], None)
    other = await api.material(await api.tab())
    await api.call("", "POST", "/token", request | {"id": other}, 403)
    await api.call("", "POST", "/token", request | {"k": capability[:-1]}, 403)

    await api.call("ada", "DELETE", f"{place}/share-links/{link['id']}", status=204)
    assert (await api.call("ada", "GET", f"{place}/share-links"))[0]["revoked"]
    await api.call("", "POST", "/token", request, 403)


async def test_a_link_to_a_tab_shows_what_is_in_it(tmp_path: Path) -> None:
    async with running(tmp_path, named=False) as (client, app):
        api, shelf = Api(client, app), app.state.backends.catalog.shelf
        await shelf.add_tab(Tab("t", "ada", "Biology", "", 0, 1))
        await shelf.add(Item("m", "guide", "Cells", 1, "ada", "ada", "t", 0, 1))
        links = ShareLinks(app.state.backends.catalog, app.state.hub.notices, app.state.door.capabilities)
        link = await links.make(Scope.TAB, "t", Role.VIEWER, by="ada")
        capability = links.path(link).partition("#k=")[2]

        request = {"id": "t", "k": capability, "name": "Kim"}
        token = (await api.call("", "POST", "/token", request))["token"]

        assert [one["id"] for one in await api.call(token, "GET", "/tabs/t/materials")] == ["m"]
        assert (await api.call(token, "GET", "/materials/m"))["role"] == "viewer"
        await api.call("", "POST", "/token", request | {"name": "Teacher"}, 422)
        await links.revoke(link, by="ada")
        await api.call(token, "GET", "/tabs/t/materials", status=404)


async def test_a_ticket_names_its_bearer_and_grants_nothing_itself(api: Api) -> None:
    material = await api.material(await api.tab())
    await api.call("ben", "POST", f"/materials/{material}/ticket", status=404)

    ticket = await api.call("ada", "POST", f"/materials/{material}/ticket")
    assert ticket["role"] == "owner"
    bearer = api.app.state.door.bearer(ticket["token"], material)
    assert (bearer.subject, bearer.granted) == ("ada", None)


async def test_a_class_is_joined_without_an_account_and_has_what_it_was_given(api: Api) -> None:
    material = await api.material(await api.tab())
    group = await api.call("ada", "POST", "/groups", {"name": "7b"}, 201)
    share = {"kind": "group", "grantee": group["id"], "role": "viewer"}
    await api.call("ada", "PUT", f"/materials/{material}/shares", share)
    await api.call("ben", "PUT", f"/materials/{material}/shares", share, 404)

    code = group["code"].lower()
    joined = await api.call("", "POST", "/groups/join", {"code": code, "name": "Kim"})
    assert joined["group"] == group | {"code": None}
    assert await api.app.state.hub.access.role(joined["user"], "", material) is Role.VIEWER
    again = await api.call(
        "", "POST", "/groups/join", {"code": code, "name": "Kim", "guest": joined["guest"]}
    )
    assert again["user"] == joined["user"]
    await api.call("", "POST", "/groups/join", {"code": "WRONG", "name": "Kim"}, 404)
    await api.call("", "POST", "/groups/join", {"code": code, "name": "Teacher"}, 422)

    detail = await api.call("ada", "GET", f"/groups/{group['id']}")
    assert [one["name"] for one in detail["members"]] == ["Kim"]
    await api.call("ada", "DELETE", f"/groups/{group['id']}/members/{joined['user']}", status=204)
    await api.call("ada", "DELETE", f"/groups/{group['id']}/members/{joined['user']}", status=404)
    assert await api.app.state.hub.access.role(joined["user"], "", material) is None


async def test_a_group_is_its_owners_to_change_and_its_members_to_see_and_leave(api: Api) -> None:
    group = await api.call("ada", "POST", "/groups", {"name": "7b"}, 201)
    place = f"/groups/{group['id']}"
    await api.call("ben", "GET", place, status=404)
    await api.call("ben", "POST", "/groups/join", {"code": group["code"], "name": "Ben"})
    assert (await api.call("ben", "GET", place))["code"] is None
    await api.call("ben", "PATCH", place, {"name": "mine"}, 403)
    await api.call("ben", "DELETE", place, status=403)
    assert [one["id"] for one in await api.call("ben", "GET", "/groups")] == [group["id"]]

    await api.call("ada", "PATCH", place, {"name": "8b"}, 204)
    renewed = await api.call("ada", "POST", f"{place}/code")
    assert renewed["name"] == "8b"
    await api.call("cy", "POST", "/groups/join", {"code": group["code"], "name": "Cy"}, 404)
    await api.call("ada", "DELETE", f"{place}/code", status=204)
    await api.call("cy", "POST", "/groups/join", {"code": renewed["code"], "name": "Cy"}, 404)

    await api.call("ben", "DELETE", f"{place}/membership", status=204)
    await api.call("ben", "GET", place, status=404)
    await api.call("ada", "DELETE", place, status=204)
    await api.call("ada", "GET", place, status=404)


@pytest.mark.parametrize("scope", ["tabs", "materials"])
async def test_a_blocked_person_is_as_if_nothing_were_there_until_it_is_let_in_again(
    api: Api, scope: str
) -> None:
    tab = await api.tab()
    material = await api.material(tab)
    place = f"/{scope}/{tab if scope == 'tabs' else material}"
    await api.call("ada", "PUT", f"{place}/shares", {"grantee": "ben", "role": "editor"})
    await api.call("ben", "PUT", f"{place}/blocks/ada", status=403)
    await api.call("ada", "PUT", f"{place}/blocks/ada", status=422)

    await api.call("ada", "PUT", f"{place}/blocks/ben", status=204)
    await api.call("ben", "GET", f"/materials/{material}", status=404)
    assert [one["user"] for one in await api.call("ada", "GET", f"{place}/blocks")] == ["ben"]
    await api.call("ada", "DELETE", f"{place}/blocks/ben", status=204)
    await api.call("ada", "DELETE", f"{place}/blocks/ben", status=404)
    await api.call("ben", "GET", f"/materials/{material}")

    await api.call("ada", "DELETE", f"{place}/members/ben", status=204)
    await api.call("ada", "DELETE", f"{place}/members/ben", status=404)
    await api.call("ben", "GET", f"/materials/{material}", status=404)


async def test_a_frozen_material_is_read_and_not_changed_and_a_muted_person_is_listed(api: Api) -> None:
    material = await api.material(await api.tab())
    place = f"/materials/{material}"
    await api.call("ada", "PUT", f"{place}/frozen", {"reason": "exam"}, 204)
    await api.call("ada", "PATCH", place, {"title": "no"}, 403)
    assert (await api.call("ada", "GET", place))["frozen"] == "exam"
    await api.call("ada", "DELETE", f"{place}/frozen", status=204)
    await api.call("ada", "PATCH", place, {"title": "yes"}, 204)

    for user in ("ben", "*"):
        await api.call("ada", "PUT", f"{place}/mutes/{user}", status=204)
    assert {one["user"] for one in await api.call("ada", "GET", f"{place}/mutes")} == {"*", "ben"}
    await api.call("ada", "DELETE", f"{place}/mutes/*", status=204)
    assert [user for user, _ in await api.app.state.backends.catalog.sharing.blocked(CHAT, material)] == [
        "ben"
    ]


async def test_what_owners_do_stands_in_the_audit_log(api: Api) -> None:
    material = await api.material(await api.tab())
    await api.call("ada", "PUT", f"/materials/{material}/shares", {"grantee": "ben", "role": "viewer"})
    await api.call("ada", "PUT", f"/materials/{material}/blocks/ben", status=204)
    await api.call("ada", "DELETE", f"/materials/{material}", status=204)

    entries = await api.app.state.backends.catalog.audit.of_target("material", material)
    assert [(entry.actor, entry.action) for entry in reversed(entries)] == [
        ("ada", "share.give"),
        ("ada", "member.block"),
        ("ada", "material.trash"),
    ]


async def test_a_platform_revokes_with_an_owners_token_alone(tmp_path: Path) -> None:
    async with running(tmp_path, auth="jwt", jwt_secret=SECRET) as (client, app):
        api, door = Api(client, app), app.state.door

        def token(role: str, material: str = "m") -> str:
            signed: str = door.tokens.sign({"sub": "platform", "grants": {material: role}}, 60)
            return signed

        app.state.authenticator = type("Any", (), {"authenticate": _authenticate})()
        body = {"subject": "ben", "material": "m"}
        await api.call("", "POST", "/platform/revoke", body, 401)
        await api.call(token("editor"), "POST", "/platform/revoke", body, 403)
        await api.call(token("owner", "x"), "POST", "/platform/revoke", body, 403)
        await api.call(token("owner"), "POST", "/platform/revoke", body | {"material": "*"}, 403)
        assert await app.state.hub.access.revoked(["ben"], "m") == {}
        await api.call(token("owner"), "POST", "/platform/revoke", body, 204)
        assert (await app.state.hub.access.revoked(["ben"], "m")).keys() == {"ben"}
        await api.call(token("owner", "*"), "POST", "/platform/revoke", body | {"material": "*"}, 204)
        assert (await app.state.hub.access.revoked(["ben"], "other")).keys() == {"ben"}


async def _authenticate(_self: object, token: str) -> Any:
    return Person("platform")
