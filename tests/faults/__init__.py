"""Fault runs: a server is killed under load, and a checker looks for edits that it promised to keep."""
