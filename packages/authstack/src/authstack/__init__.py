"""The operator's command: run the whole stack on this machine, look at it, walk through it."""
