"""The identity provider's app clients: one port, an adapter for each provider."""
