"""The MCP console: a form for every tool, made from what a server says about it."""
