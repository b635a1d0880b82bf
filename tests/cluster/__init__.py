"""Real nodes over a real Valkey and a real S3 server."""
