"""All settings, read once at start from the environment (`STUDYHUB_*`) and the command line."""

import json
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from collab.errors import StartError
from collab.limits import Limits
from storage.values import Level

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Names of this machine to itself."""


class AuthMode(StrEnum):
    """Who decides what people may do."""

    LINKS = "links"
    """Guests with signed identities, share links with a signed capability."""
    JWT = "jwt"
    """An existing platform's tokens."""
    NONE = "none"
    """Every name is open to everybody; loopback only."""


class Unrecorded(StrEnum):
    """What rooms do with edits while the log is away."""

    SHOW = "show"
    HOLD = "hold"


class Issuer(BaseModel):
    """An OpenID Connect issuer whose people may sign in, and how it knows us."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]{1,32}$")
    """In addresses and on the page's button."""
    issuer: str = Field(pattern=r"^https?://")
    """Exactly as its discovery document says it."""
    client_id: str
    client_secret: SecretStr | None = None
    """None for a public client, which PKCE alone protects."""
    scopes: str = "openid email profile"
    form_post: bool = False
    """Whether it answers with a form, as Apple insists on where the name or the address is asked for."""


def _from_json(given: object) -> object:
    """Raises ValueError, which repeats nothing: there are secrets in it."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError as error:
        raise ValueError(f"this is no JSON (at character {getattr(error, 'pos', 0)})") from None


class Settings(BaseSettings):
    """One frozen object; `docs/settings.md` is generated from it."""

    model_config = SettingsConfigDict(env_prefix="STUDYHUB_", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data: Path = Field(Path("data"), description="Folder for the log, the snapshots and the secret.")
    auth: AuthMode = Field(
        AuthMode.LINKS,
        description="`links`: guests and share links. `jwt`: an existing platform's tokens. "
        "`none`: everything is open, loopback only.",
    )
    jwt_secret: SecretStr | None = Field(
        None,
        description="Secret of the platform's HS256 tokens, 16 bytes or more; `jwt` needs it, a public key "
        "or a URL of keys.",
    )
    jwt_public_key: str = Field(
        "",
        description="Public key of the platform's tokens in PEM form (RS256, PS256, ES256 or EdDSA), "
        "instead of the secret.",
    )
    jwt_jwks_url: str = Field(
        "",
        description="URL of the platform's keys as a JWKS, instead of the secret; read again when a token "
        "names a key that is not in it.",
    )
    jwt_audience: str = Field("", description="What the platform's tokens must name in `aud`. Default: any.")
    public_url: str = Field(
        "", description="Where people reach this server, for links in mails. Default: its host and port."
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="`smtp://user:password@host:587` (STARTTLS) or `smtps://...:465`: sends the mails of "
        "accounts. Default: on loopback they are printed, elsewhere nothing is sent.",
    )
    mail_from: str = Field("studyhub@localhost", description="Sender of the mails of accounts.")
    oidc: Annotated[tuple[Issuer, ...], NoDecode, BeforeValidator(_from_json)] = Field(
        (),
        description="OpenID Connect issuers, a JSON list of `{name, issuer, client_id, client_secret, "
        "scopes, form_post}`; see accounts.md.",
    )
    node: str = Field("", description="Name of this node in logs and to other nodes. Default: the host's.")
    workers: int = Field(
        1, ge=1, le=64, description="Nodes to run on this machine behind one port; more than one needs Redis."
    )
    worker: int = Field(0, ge=0, description="Number of this node among them; set by the command itself.")
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://`, `rediss://` or `unix://`: keep the log in Redis or Valkey, as one node of "
        "many. Default: SQLite in the data folder, one node.",
    )
    redis_replicas: int = Field(
        0, ge=0, description="Replicas that confirm each append before it counts as `replicated`."
    )
    redis_volatile: bool = Field(
        False, description="Take a Redis without an append-only file, which loses everything with a restart."
    )
    s3_bucket: str = Field(
        "", description="Keep snapshots and history in this S3 bucket. Default: files in the data folder."
    )
    s3_endpoint: str = Field("", description="URL of the S3 server. Default: AWS.")
    s3_prefix: str = Field("", description="What all keys in the bucket start with.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key: str = Field("", description="Access key. Default: AWS' own ways, such as the host's role.")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Secret key; belongs to the access key.")
    s3_encryption: str = Field(
        "", description="Encryption on the server: `AES256`, `aws:kms` or `aws:kms:<key id>`."
    )
    s3_path_style: bool = Field(True, description="The bucket stands in the path of URLs, not in their host.")
    s3_create_bucket: bool = Field(
        False, description="Create the bucket where it is missing, for development."
    )
    database_url: SecretStr | None = Field(
        None,
        description="`postgresql://`: keep the catalogue in PostgreSQL. Default: SQLite in the data folder. "
        "Nodes on several machines need it.",
    )
    level: Level | None = Field(
        None,
        description="Level that acknowledgements wait for: `recorded`, `synced` or `replicated`. "
        "Default: the strongest that the log gives.",
    )
    unrecorded: Unrecorded = Field(
        Unrecorded.SHOW,
        description="While the log is away, `show` edits to the others, marked as not saved, or `hold` them.",
    )
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Further origins whose pages may open sockets, comma-separated; "
        "the server's own is always allowed.",
    )
    proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        (),
        description="Addresses or networks of reverse proxies, comma-separated, whose `X-Forwarded-For` and "
        "`X-Forwarded-Proto` are believed.",
    )
    tokens_per_minute: int = Field(
        3000,
        ge=0,
        description="Token requests from one address (IPv6: one /64); beyond it 429. 0: no limit.",
    )
    materials_per_hour: int = Field(
        2000, ge=0, description="New materials from one address; beyond it 429. 0: no limit."
    )
    requests_per_minute: int = Field(
        12_000,
        ge=0,
        description="Requests to the API from one address without an identity; beyond it 429. 0: no limit.",
    )
    requests_per_hour: int = Field(
        1000,
        ge=0,
        description="Requests to the API of one guest or free account; beyond it 429. 0: no limit.",
    )
    premium_requests_per_hour: int = Field(
        10_000, ge=0, description="As that, of one premium account. 0: no limit."
    )
    failed_handshakes_per_minute: int = Field(
        3000,
        ge=0,
        description="Sockets from one address that are refused for want of a valid token or hello; beyond it "
        "4529. 0: no limit.",
    )
    stranger_bytes: int = Field(
        64 << 10,
        ge=1024,
        description="What a client may send before its hello or token is checked; beyond it 1009.",
    )
    token_seconds: int = Field(
        12 * 3600, ge=60, description="How long a token that the server gave out is valid, seconds."
    )
    log_json: bool = Field(False, description="Write log lines as JSON.")
    idle_seconds: float = Field(
        30.0, ge=0, description="How long a room without members stays in memory, seconds."
    )
    rooms: int = Field(
        5000, ge=1, description="Rooms open at once; beyond it the one left longest gives way, or 4529."
    )
    compact_entries: int = Field(1000, ge=1, description="Log entries after which a snapshot is made.")
    compact_bytes: int = Field(1 << 20, ge=1, description="Log bytes after which a snapshot is made.")
    compact_seconds: float = Field(
        300.0, gt=0, description="Age in seconds of the oldest log entry after which a snapshot is made."
    )
    backlog_bytes: int = Field(
        64 << 20,
        ge=1,
        description="Log bytes of one material without a snapshot, because the object store is away; beyond "
        "it the material can only be read.",
    )
    drain_seconds: float = Field(10.0, ge=0, description="How long a stopping server waits for its rooms.")
    update_bytes: int = Field(Limits.update_bytes, ge=64, description="Largest update; beyond it 4413.")
    step2_bytes: int = Field(
        Limits.step2_bytes, ge=64, description="Largest sync step 2 (a long offline session); beyond it 4413."
    )
    presence_bytes: int = Field(
        Limits.presence_bytes, ge=1024, description="Largest awareness message; beyond it 4413."
    )
    document_bytes: int = Field(
        Limits.document_bytes, ge=1024, description="Largest encoded document; beyond it 4413."
    )
    outbox_bytes: int = Field(
        Limits.outbox_bytes,
        ge=1024,
        description="Bytes that wait for one slow reader; beyond it one diff replaces them.",
    )
    parked_bytes: int = Field(
        Limits.parked_bytes,
        ge=0,
        description="Bytes of one session's edits that wait for missing ones; beyond it 4500.",
    )
    messages_per_second: float = Field(
        Limits.messages_per_second,
        ge=0,
        description="Messages per session; beyond it its socket is read more slowly. 0: no limit.",
    )
    presence_per_second: float = Field(
        Limits.presence_per_second,
        ge=0,
        description="Changes of a session's presence; beyond it its socket is read more slowly. 0: no limit.",
    )
    members_per_room: int = Field(
        Limits.members_per_room, ge=1, description="Visitors of one material; beyond it 4529."
    )
    stalled_seconds: float = Field(
        Limits.stalled_seconds, gt=0, description="How long one write to a reader may take; beyond it 4508."
    )

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        for name in ("origins", "proxies"):
            given = values.get(name)
            if isinstance(given, str):
                values[name] = tuple(part.strip() for part in given.split(",") if part.strip())
        return values

    @model_validator(mode="after")
    def _check_auth(self) -> "Settings":
        if self.auth is AuthMode.NONE and self.host not in LOOPBACK:
            raise ValueError("STUDYHUB_AUTH=none listens on loopback only; leave out --host")
        if self.auth is AuthMode.JWT:
            self._check_platform()
        return self

    def _check_platform(self) -> None:
        """Raises ValueError where it is not clear what the platform signs with."""
        given = sum(map(bool, (self.jwt_secret, self.jwt_public_key, self.jwt_jwks_url)))
        if given != 1:
            raise ValueError(
                "STUDYHUB_AUTH=jwt needs one of STUDYHUB_JWT_SECRET, STUDYHUB_JWT_PUBLIC_KEY and "
                "STUDYHUB_JWT_JWKS_URL"
            )
        if self.jwt_secret is not None and len(self.jwt_secret.get_secret_value().encode()) < 16:
            raise ValueError("STUDYHUB_AUTH=jwt needs STUDYHUB_JWT_SECRET with at least 16 bytes")

    @model_validator(mode="after")
    def _check_nodes(self) -> "Settings":
        if self.workers > 1 and self.redis_url is None:
            raise ValueError(
                "STUDYHUB_WORKERS: several nodes need a log that they share: set STUDYHUB_REDIS_URL"
            )
        return self

    def limits(self) -> Limits:
        """The bounds per session and document."""
        given = self.model_dump()
        return Limits(**{bound.name: given[bound.name] for bound in fields(Limits) if bound.name in given})


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment, with `overrides` that are not None on top. Raises StartError."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise StartError("; ".join(_sentence(item["loc"], item["msg"]) for item in error.errors())) from error


def reference() -> str:
    """All settings as a Markdown page: the source of `docs/settings.md`."""
    rows = [
        f"| `STUDYHUB_{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    head = (
        "# Settings\n\n"
        "Printed by `studyhub settings`; the source is `collab/settings.py`.\n\n"
        "Each is an environment variable, read once at start; options of `studyhub serve` go before it.\n\n"
        "| variable | default | meaning |\n| --- | --- | --- |\n"
    )
    return head + "\n".join(rows) + "\n"


def _shown(default: object) -> str:
    if default is None or default == ():
        return ""
    return f"`{default}`"


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"STUDYHUB_{str(place[0]).upper()}: {message}" if place else message
