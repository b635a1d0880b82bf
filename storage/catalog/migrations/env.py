"""Read by Alembic: runs the migrations in the connection and transaction that `upgrade` hands in."""

from alembic import context

# SQLite alters a table by copying it, which Alembic calls batch mode.
context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
context.run_migrations()
