"""Alembic, run in the process. Importing it takes longer than everything else here, so only a start does
that finds other tables than it wants."""

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from storage.catalog.tables import HEAD
from storage.errors import Unavailable


def upgrade(connection: Connection, name: str, stored: str | None) -> None:
    """Bring the tables from the revision `stored` to HEAD, in the connection's transaction.

    Alembic keeps its state in the process: never two of these at once. Raises Unavailable for a revision that
    this code does not know, SQLAlchemyError.
    """
    config = Config()
    config.set_main_option("script_location", "storage.catalog:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise Unavailable(
            "migrate catalogue",
            name,
            f"its tables have revision {stored}, newer than {HEAD}",
            hint="upgrade StudyHub; or give it a database of its own, if these tables are not StudyHub's",
        ) from error
