"""Sign-in at a real OpenID Connect provider, and what a false one cannot do."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from collab.accounts import oidc
from collab.accounts.identities import Identities
from collab.accounts.oidc import Answer, Beginning, OidcClient, Subject
from collab.errors import CloseCode, Rejected
from collab.settings import Issuer
from tests.collab.accounts.conftest import EMAIL, School
from tests.servers.oidc import OidcProvider

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("oidc")]

REDIRECT = "http://127.0.0.1:9/api/v1/oidc/callback"
SECRET = b"a secret of this server, long enough"
CLIENT_SECRET = "a secret: of & the %client"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    with OidcProvider(tmp_path_factory.mktemp("oidc"), REDIRECT) as server:
        yield server


def client(provider: OidcProvider, **settings: object) -> OidcClient:
    given = {"name": "school", "issuer": provider.url, "client_id": "basic", "client_secret": CLIENT_SECRET}
    return OidcClient(Issuer(**{**given, **settings}), REDIRECT, SECRET)  # type: ignore[arg-type]


async def visit(beginning: Beginning, login: str) -> Answer:
    """What a browser brings back in which somebody signs in as `login` and consents."""
    async with httpx2.AsyncClient() as browser:
        page = await browser.get(beginning.url)
        for _ in range(10):
            location = page.headers.get("location")
            if location is None:
                form = dict(re.findall(r'name="(\w+)" value="(\w+)"', page.text))
                action = re.search(r'action="([^"]+)"', page.text)
                assert action is not None, page.text
                filled = {**form, "login": login, "password": "any"} if form["prompt"] == "login" else form
                page = await browser.post(page.url.join(action.group(1)), data=filled)
            elif location.startswith(REDIRECT):
                query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
                return Answer(beginning.flow, query["code"], query["state"], query.get("iss"))
            else:
                page = await browser.get(page.url.join(location))
    raise AssertionError("the provider sends the browser round in circles")


async def refusal(client: OidcClient, answer: Answer) -> str:
    with pytest.raises(Rejected) as caught:
        await client.finish(answer)
    assert caught.value.code is CloseCode.UNAUTHENTICATED
    return caught.value.label


@pytest.mark.parametrize("settings", [{}, {"client_id": "public", "client_secret": None}])
async def test_the_provider_vouches_for_who_signs_in(
    provider: OidcProvider, settings: dict[str, object]
) -> None:
    ours = client(provider, **settings)
    subject = await ours.finish(await visit(await ours.begin(), "ann"))

    assert subject == Subject(provider.url, "ann", "ann@example.org", "ann of the issuer")


async def test_an_address_that_the_provider_has_not_verified_is_none(provider: OidcProvider) -> None:
    ours = client(provider)

    assert (await ours.finish(await visit(await ours.begin(), "unverified"))).email is None


async def test_an_answer_is_good_once_for_the_browser_that_asked(provider: OidcProvider) -> None:
    ours = client(provider)
    answer = await visit(await ours.begin(), "ann")
    other = await ours.begin()

    assert await refusal(ours, Answer(other.flow, answer.code, answer.state)) == "oidc_state"
    assert await refusal(ours, Answer(answer.flow, answer.code, "")) == "oidc_state"
    assert (
        await refusal(ours, Answer(answer.flow, answer.code, answer.state, "https://evil")) == "oidc_issuer"
    )
    assert await refusal(ours, Answer("x", answer.code, answer.state)) == "unauthenticated"
    # With the flow of another browser the proof of PKCE is missing, even where the state is made to fit.
    state = parse_qs(urlsplit(other.url).query)["state"][0]
    assert await refusal(ours, Answer(other.flow, answer.code, state)) == "oidc_code"
    fresh = await visit(await ours.begin(), "ann")
    assert (await ours.finish(fresh)).subject == "ann"
    assert await refusal(ours, fresh) == "oidc_code"


async def test_a_flow_of_one_issuer_is_none_of_another(provider: OidcProvider) -> None:
    answer = await visit(await client(provider).begin(), "ann")

    assert await refusal(client(provider, name="other"), answer) == "unauthenticated"


async def test_a_wrong_client_secret_is_refused(provider: OidcProvider) -> None:
    ours = client(provider, client_secret="wrong")

    assert await refusal(ours, await visit(await ours.begin(), "ann")) == "oidc_code"


async def test_new_keys_of_the_provider_are_found(
    provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = client(provider)
    await ours.finish(await visit(await ours.begin(), "ann"))
    provider.kill()
    with pytest.raises(Rejected) as caught:
        await client(provider).begin()
    assert caught.value.code is CloseCode.UNAVAILABLE
    provider.start()  # with other keys
    monkeypatch.setattr("collab.auth.keys._PAUSE", 0.0)

    assert (await ours.finish(await visit(await ours.begin(), "ann"))).subject == "ann"


async def test_a_provider_that_calls_itself_otherwise_is_not_believed(provider: OidcProvider) -> None:
    """A name without, or with, a slash is another issuer."""
    with pytest.raises(Rejected) as caught:
        await client(provider, issuer=provider.url + "/").begin()

    assert caught.value.code is CloseCode.UNAVAILABLE


async def test_apple_is_asked_to_answer_with_a_form(provider: OidcProvider) -> None:
    assert "response_mode=form_post" in (await client(provider, form_post=True).begin()).url


# A provider of the test's own, which signs what an honest one would not.

KEY = ECKey.generate_key("P-256", {"kid": "k"})
ISSUER = "https://issuer.example"


class FalseProvider:
    """Answers as an issuer does, with an ID token of these claims."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **claims: object) -> None:
        monkeypatch.setattr(oidc, "fetch_json", self.fetch)
        monkeypatch.setattr("collab.auth.keys.fetch_json", self.fetch)
        self.claims = claims
        self.key = KEY
        self.forms: list[Mapping[str, str]] = []
        self.methods: list[str] = ["client_secret_post"]
        settings = Issuer(name="false", issuer=ISSUER, client_id="us", client_secret="geheim")  # type: ignore[arg-type]
        self.client = OidcClient(settings, REDIRECT, SECRET)

    async def fetch(self, url: str, form: Any = None, headers: Any = None) -> Mapping[str, Any]:
        if url.endswith("openid-configuration"):
            ends = {"authorization_endpoint": "auth?x=1", "token_endpoint": "token", "jwks_uri": "keys"}
            known = {name: f"{ISSUER}/{path}" for name, path in ends.items()}
            return {"issuer": ISSUER, "token_endpoint_auth_methods_supported": self.methods, **known}
        if url.endswith("keys"):
            return {"keys": [KEY.as_dict(private=False)]}
        self.forms.append(form)
        now = int(time.time())
        honest = {"iss": ISSUER, "aud": "us", "sub": "s", "nonce": self.nonce, "iat": now, "exp": now + 60}
        present = {name: one for name, one in {**honest, **self.claims}.items() if one is not None}
        return {"id_token": jwt.encode({"alg": "ES256", "kid": "k"}, present, self.key)}

    async def answer(self) -> Answer:
        beginning = await self.client.begin()
        query = parse_qs(urlsplit(beginning.url).query)
        self.nonce = query["nonce"][0]
        return Answer(beginning.flow, "code", query["state"][0])


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "them"},
        {"aud": None},
        {"aud": ["us", "them"]},
        {"aud": ["us", "them"], "azp": "them"},
        {"azp": "them"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
        {"sub": "\0"},
    ],
)
async def test_a_token_that_was_not_made_for_this_sign_in_is_refused(
    monkeypatch: pytest.MonkeyPatch, claims: dict[str, object]
) -> None:
    false = FalseProvider(monkeypatch, **claims)

    assert (await refusal(false.client, await false.answer())).startswith("oidc_")


async def test_a_token_of_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    false = FalseProvider(monkeypatch)
    false.key = ECKey.generate_key("P-256", {"kid": "k"})

    assert await refusal(false.client, await false.answer()) == "oidc_token"


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "a@b.org", "email_verified": True}, "a@b.org"),
        ({"email": "a@b.org", "email_verified": "true"}, "a@b.org"),
        ({"email": "a@b.org", "email_verified": False}, None),
        ({"email": "a@b.org", "email_verified": "false"}, None),
        ({"email": "a@b.org", "email_verified": 1}, None),
        ({"email": "a@b.org"}, None),
        ({"email": "A@B.org", "email_verified": True}, "a@b.org"),
        ({"email": "no address\0", "email_verified": True}, None),
        ({"aud": ["us"], "azp": "us"}, None),
    ],
)
async def test_only_a_verified_address_counts(
    monkeypatch: pytest.MonkeyPatch, claims: dict[str, object], email: str | None
) -> None:
    false = FalseProvider(monkeypatch, **claims)

    assert (await false.client.finish(await false.answer())).email == email


async def test_a_secret_goes_into_the_form_where_the_issuer_wants_it_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    false = FalseProvider(monkeypatch)
    await false.client.finish(await false.answer())

    assert false.forms[0]["client_secret"] == "geheim"
    assert len(false.forms[0]["code_verifier"]) >= 43


# Which account it is.


class Vouching(OidcClient):
    """Vouches for whom the test says."""

    def __init__(self) -> None:
        self.subject = Subject(ISSUER, "s1", EMAIL, "Ann of the issuer")

    @property
    def issuer(self) -> str:
        return ISSUER

    async def finish(self, answer: Answer) -> Subject:
        return self.subject


ANSWER = Answer("", "", "")


@pytest.fixture
def vouching() -> Vouching:
    return Vouching()


@pytest.fixture
def identities(school: School, vouching: Vouching) -> Identities:
    post = school.service.accounts._post
    return Identities(school.catalog.people, school.catalog.audit, post, {"school": vouching})


async def test_somebody_new_gets_an_account_and_comes_back_to_it(
    identities: Identities, vouching: Vouching
) -> None:
    user = await identities.finish("school", ANSWER)
    vouching.subject = Subject(ISSUER, "s1", "moved@example.org", "Anna")

    assert (user.name, user.email, user.password) == ("Ann of the issuer", EMAIL, None)
    assert await identities.finish("school", ANSWER) == user
    assert await identities.of(user) == [ISSUER]


async def test_a_verified_address_finds_its_account_and_its_owner_is_told(
    identities: Identities, school: School
) -> None:
    ann = await school.join()
    found = await identities.finish("school", ANSWER)
    await school.settle()

    assert found.id == ann.user.id
    assert ISSUER in school.mailbox.mails[-1].text


async def test_an_unverified_address_finds_nobody(
    identities: Identities, school: School, vouching: Vouching
) -> None:
    ann = await school.join()
    vouching.subject = Subject(ISSUER, "s1", None, "")
    user = await identities.finish("school", ANSWER)

    assert user.id != ann.user.id
    assert (user.email, user.name) == (None, "Student")


async def test_an_account_with_a_second_factor_links_an_issuer_itself(
    identities: Identities, school: School
) -> None:
    ann = await school.join()
    people = school.catalog.people
    await people.begin_totp(ann.user.id, b"secret")
    await people.confirm_totp(ann.user.id, 1, [b"code"])
    with pytest.raises(Rejected, match="link this issuer"):
        await identities.finish("school", ANSWER)
    await identities.link(ann.user, "school", ANSWER)
    await identities.link(ann.user, "school", ANSWER)

    assert (await identities.finish("school", ANSWER)).id == ann.user.id


async def test_a_subject_is_of_one_account(identities: Identities, school: School) -> None:
    ann, ben = await school.join(), await school.join("ben@example.org", "Ben")
    await identities.link(ann.user, "school", ANSWER)
    with pytest.raises(Rejected, match="another account"):
        await identities.link(ben.user, "school", ANSWER)


async def test_an_issuer_is_unlinked_unless_it_is_the_last_way_in(
    identities: Identities, school: School
) -> None:
    only = await identities.finish("school", ANSWER)
    with pytest.raises(Rejected, match="no other way in"):
        await identities.unlink(only, "school")
    await school.catalog.people.set_password(only.id, "argon2 text")
    both = await school.catalog.people.user(only.id)
    assert both is not None
    await identities.unlink(both, "school")
    await identities.unlink(both, "school")

    assert await identities.of(both) == []


async def test_a_disabled_account_stays_out(identities: Identities, school: School) -> None:
    user = await identities.finish("school", ANSWER)
    await school.catalog.people.set_disabled(user.id, True)
    with pytest.raises(Rejected, match="cannot sign in"):
        await identities.finish("school", ANSWER)


async def test_an_issuer_that_nobody_named_is_refused(identities: Identities) -> None:
    with pytest.raises(Rejected, match="this issuer here"):
        await identities.begin("other")
