"""The registrar's endpoints, one module a family of paths."""
