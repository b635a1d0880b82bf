"""Durability: the update log, immutable objects, snapshots, loading and compaction."""
