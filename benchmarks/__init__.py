"""Load, replay and measuring tools that drive a server from outside."""
