"""People, what they own and share, and the records about it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Run by Alembic."""
    _people()
    _devices()
    _shelf()
    _materials()
    _sharing()
    _groups()
    _records()
    _derived()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, unique=True),
        sa.Column("email_verified", sa.Boolean, nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("totp_secret", sa.LargeBinary),
        sa.Column("totp_confirmed", sa.Boolean, nullable=False),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("guest", sa.Boolean, nullable=False),
        sa.Column("claimed_by", _ID),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("erased", sa.BigInteger),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", _ID, primary_key=True),
        sa.Column("subject", _ID, primary_key=True),
        sa.Column("user", _ID, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_index("identities_user", "identities", ["user"])
    op.create_table(
        "recovery_codes",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("user", _ID, nullable=False),
    )
    op.create_index("recovery_codes_user", "recovery_codes", ["user"])


def _devices() -> None:
    op.create_table(
        "logins",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("user", _ID, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("refresh", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("previous", sa.LargeBinary),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("shared_computer", sa.Boolean, nullable=False),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_index("logins_user", "logins", ["user"])
    op.create_index("logins_previous", "logins", ["previous"])
    op.create_table(
        "mail_tokens",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("user", _ID, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger),
    )
    op.create_index("mail_tokens_user", "mail_tokens", ["user"])


def _shelf() -> None:
    op.create_table(
        "tabs",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _ID, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("colour", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("trashed", sa.BigInteger),
    )
    op.create_index("tabs_owner", "tabs", ["owner"])


def _materials() -> None:
    for column in (
        sa.Column("owner", _ID),
        sa.Column("tab", _ID),
        sa.Column("position", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("changed", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("trashed", sa.BigInteger),
        sa.Column("frozen", sa.Text, nullable=False, server_default=sa.text("''")),
    ):
        op.add_column("materials", column)
    op.create_index("materials_owner", "materials", ["owner"])
    op.create_index("materials_tab", "materials", ["tab"])
    op.execute("UPDATE materials SET changed = created")


def _sharing() -> None:
    op.create_table(
        "grants",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("target", _ID, nullable=False),
        sa.Column("grantee_kind", sa.Text, nullable=False),
        sa.Column("grantee", _ID, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.UniqueConstraint("scope", "target", "grantee_kind", "grantee", name="grants_once"),
    )
    op.create_index("grants_grantee", "grants", ["grantee_kind", "grantee"])
    op.create_table(
        "links",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("target", _ID, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_index("links_target", "links", ["scope", "target"])


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("code", sa.Text, unique=True),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_index("groups_owner", "groups", ["owner"])
    op.create_table(
        "group_members",
        sa.Column("group", _ID, primary_key=True),
        sa.Column("user", _ID, primary_key=True),
        sa.Column("joined", sa.BigInteger, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
    )
    op.create_index("group_members_user", "group_members", ["user"])
    op.create_table(
        "blocks",
        sa.Column("scope", _ID, primary_key=True),
        sa.Column("target", _ID, primary_key=True),
        sa.Column("user", _ID, primary_key=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("created_by", _ID, nullable=False),
    )
    op.create_index("blocks_user", "blocks", ["user"])


def _records() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("actor", _ID, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("target", _ID, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_index("audit_target", "audit", ["scope", "target", "time"])
    op.create_index("audit_actor", "audit", ["actor", "time"])
    op.create_table(
        "idempotency",
        sa.Column("user", _ID, primary_key=True),
        sa.Column("key", _ID, primary_key=True),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_index("idempotency_expires", "idempotency", ["expires"])


def _derived() -> None:
    op.create_table(
        "client_ids",
        sa.Column("material", _ID, primary_key=True),
        sa.Column("client", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("owner", _ID, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_index("client_ids_owner", "client_ids", ["owner"])
    op.create_table(
        "authorship",
        sa.Column("material", _ID, primary_key=True),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
