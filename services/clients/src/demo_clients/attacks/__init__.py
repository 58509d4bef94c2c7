"""Try the attacks: the wrong thing, sent for real, and whether it is refused."""
