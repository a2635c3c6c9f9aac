"""Errors of the user's making."""


class Problem(Exception):
    """A command cannot be carried out; the text follows ``Error: ``. Notes on it become hints."""
