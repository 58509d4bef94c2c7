"""How this client is known to an authorization server: the only difference between the three."""
