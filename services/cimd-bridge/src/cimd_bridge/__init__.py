"""The authorization server that MCP clients see, in front of the identity provider."""
