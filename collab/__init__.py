"""The live collaboration server."""
