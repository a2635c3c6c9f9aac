"""Real randomness, and a reproducible one for tests and demonstrations."""

import os
import random


class RandomIds:
    """Ids from the operating system's randomness."""

    def new(self) -> str:
        """Return a fresh id."""
        return os.urandom(16).hex()

    def below(self, bound: int) -> int:
        """Return a number in ``0 … bound - 1``."""
        return int.from_bytes(os.urandom(7)) % bound


class SeededIds:
    """The same ids and choices for the same seed."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)  # noqa: S311  # reproducible on purpose

    def new(self) -> str:
        """Return the next id."""
        return f"{self._random.getrandbits(128):032x}"

    def below(self, bound: int) -> int:
        """Return the next number in ``0 … bound - 1``."""
        return self._random.randrange(bound)
