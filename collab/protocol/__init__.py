"""Wire dialects: bytes to messages and back. Pure; no I/O."""
