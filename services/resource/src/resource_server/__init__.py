"""The protected MCP resource server: verifies who calls and decides what they may do."""
