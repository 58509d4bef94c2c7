"""What goes wrong in a way that one line explains."""


class StackError(Exception):
    """Its text is the one line that the person at the terminal reads."""
