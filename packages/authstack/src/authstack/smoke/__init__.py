"""`authstack smoke`: three MCP clients of our own, written from the specifications alone."""
