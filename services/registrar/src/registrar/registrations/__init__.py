"""Where dynamically registered clients are kept: one port, an adapter for each store."""
