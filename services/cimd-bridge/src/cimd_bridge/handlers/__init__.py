"""The bridge's endpoints, one module each, named after their paths."""
