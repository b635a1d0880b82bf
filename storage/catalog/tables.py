"""The tables as they are now. `migrations/versions` leads a database there; a test compares the two.

Times are Unix milliseconds. A hash is that of a random token, which itself is never stored. Nothing refers to
another table by a foreign key: what belongs to a person is erased by name, and its trace may stay.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

HEAD = "0002"
"""Revision of these tables: the newest file in `migrations/versions`."""

metadata = MetaData()

_Id = Text().with_variant(Text(collation="C"), "postgresql")
# Ids are compared by code point, as SQLite does anyway: every database lists them in the same order.

installation = Table(
    "installation",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""One row, written under the lock of the first start."""

users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, unique=True),
    Column("email_verified", Boolean, nullable=False),
    Column("password", Text),
    Column("totp_secret", LargeBinary),
    Column("totp_confirmed", Boolean, nullable=False),
    Column("totp_step", BigInteger, nullable=False),
    Column("tier", Text, nullable=False),
    Column("guest", Boolean, nullable=False),
    Column("claimed_by", _Id),
    Column("disabled", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("erased", BigInteger),
)
"""People with an account, and guests whose work an account has taken over (`claimed_by`)."""

identities = Table(
    "identities",
    metadata,
    Column("issuer", _Id, primary_key=True),
    Column("subject", _Id, primary_key=True),
    Column("user", _Id, nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("identities_user", "user"),
)
"""Who a person is to an OpenID Connect issuer."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user", _Id, nullable=False),
    Index("recovery_codes_user", "user"),
)
"""Each stands in for the second factor once."""

logins = Table(
    "logins",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("user", _Id, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("refresh", LargeBinary, nullable=False, unique=True),
    Column("previous", LargeBinary),
    Column("device", Text, nullable=False),
    Column("shared_computer", Boolean, nullable=False),
    Column("revoked", BigInteger),
    Index("logins_user", "user"),
    Index("logins_previous", "previous"),
)
"""One row per signed-in device. `refresh` is the hash of its token, `previous` of the one before."""

mail_tokens = Table(
    "mail_tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user", _Id, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger),
    Index("mail_tokens_user", "user"),
)
"""What a link in a mail proves: that its reader reads mail to `email`. `purpose` is verify or reset."""

tabs = Table(
    "tabs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("owner", _Id, nullable=False),
    Column("title", Text, nullable=False),
    Column("colour", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("trashed", BigInteger),
    Index("tabs_owner", "owner"),
)

materials = Table(
    "materials",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", Text),
    Column("title", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("owner", _Id),
    Column("tab", _Id),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("changed", BigInteger, nullable=False, server_default=text("0")),
    Column("trashed", BigInteger),
    Column("frozen", Text, nullable=False, server_default=text("''")),
    Index("materials_owner", "owner"),
    Index("materials_tab", "tab"),
)
"""`owner` is none for what guests made; `frozen` says why nobody may write, or is empty."""

grants = Table(
    "grants",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("target", _Id, nullable=False),
    Column("grantee_kind", Text, nullable=False),
    Column("grantee", _Id, nullable=False),
    Column("role", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("created_by", _Id, nullable=False),
    Column("expires", BigInteger),
    UniqueConstraint("scope", "target", "grantee_kind", "grantee", name="grants_once"),
    Index("grants_grantee", "grantee_kind", "grantee"),
)
"""`scope` is tab or material, `target` its id; `grantee_kind` is user or group."""

links = Table(
    "links",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("target", _Id, nullable=False),
    Column("role", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("created_by", _Id, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
    Index("links_target", "scope", "target"),
)
"""Share links. A link's capability is its signed id."""

groups = Table(
    "groups",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("owner", _Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("code", Text, unique=True),
    Column("created", BigInteger, nullable=False),
    Index("groups_owner", "owner"),
)
"""Classes. Who knows `code` may join."""

group_members = Table(
    "group_members",
    metadata,
    Column("group", _Id, primary_key=True),
    Column("user", _Id, primary_key=True),
    Column("joined", BigInteger, nullable=False),
    Column("display_name", Text, nullable=False),
    Index("group_members_user", "user"),
)

blocks = Table(
    "blocks",
    metadata,
    Column("scope", _Id, primary_key=True),
    Column("target", _Id, primary_key=True),
    Column("user", _Id, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("created_by", _Id, nullable=False),
    Index("blocks_user", "user"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("actor", _Id, nullable=False),
    Column("action", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("target", _Id, nullable=False),
    Column("details", Text, nullable=False),
    Index("audit_target", "scope", "target", "time"),
    Index("audit_actor", "actor", "time"),
)
"""Who did what to what. `details` is JSON without text of documents, tokens or passwords."""

client_ids = Table(
    "client_ids",
    metadata,
    Column("material", _Id, primary_key=True),
    Column("client", BigInteger, primary_key=True, autoincrement=False),
    Column("owner", _Id, nullable=False),
    Column("since", BigInteger, nullable=False),
    Index("client_ids_owner", "owner"),
)
"""Who owns a client id of Yjs in a document."""

authorship = Table(
    "authorship",
    metadata,
    Column("material", _Id, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""Derived from the log up to `cursor`; can be built anew from it."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("user", _Id, primary_key=True),
    Column("key", _Id, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("idempotency_expires", "expires"),
)
"""Answers to requests that may come again under the same key; `request` is the hash of the first."""
