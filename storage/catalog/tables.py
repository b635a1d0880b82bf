"""The tables as they are now. `migrations/versions` leads a database there; a test compares the two."""

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text, Uuid

HEAD = "0001"
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

materials = Table(
    "materials",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", Text),
    Column("title", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
)
