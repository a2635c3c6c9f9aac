"""What is wrong with the question, so that there is no answer."""


class Fault(Exception):
    """Flags or files cannot be used; the text says which, why, and what to do."""
