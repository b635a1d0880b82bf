"""The catalogue: what is known about the materials besides their documents. SQLite or PostgreSQL."""
