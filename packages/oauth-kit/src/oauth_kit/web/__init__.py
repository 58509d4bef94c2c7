"""Calls that we receive: one way to read, one way to answer, one way to refuse."""
