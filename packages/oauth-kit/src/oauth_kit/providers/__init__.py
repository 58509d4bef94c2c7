"""The identity provider behind us: what we ask of it, how providers differ, which one it is."""
