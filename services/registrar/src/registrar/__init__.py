"""Clients introduce themselves here, and get an upstream client of their own (RFC 7591)."""
