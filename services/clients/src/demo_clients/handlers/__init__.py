"""What the browser asks for: pages, log-in, callback, actions."""
