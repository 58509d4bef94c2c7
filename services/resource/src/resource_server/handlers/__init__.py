"""One module an endpoint: protected resource metadata, the contexts as REST, MCP."""
