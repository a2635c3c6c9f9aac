"""Standard output and standard error: flushed at once, with a line of progress that never gets into the way.

Scripts see neither progress nor notes, only terminals do.
"""

import contextlib
import io
import os
import sys
from pathlib import Path

_SAVE, _RESTORE, _CLEAR = "\x1b7", "\x1b8", "\x1b[K"
"""Progress stands after what is already on the line, and the cursor goes back before it."""


class Terminal:
    """What a person or a script sees of a command."""

    def __init__(self) -> None:
        self.interactive = sys.stderr.isatty()
        """Whether a person looks at standard error."""
        self._can_rewrite = self.interactive and os.environ.get("TERM", "dumb") != "dumb"
        self._progress = ""

    def write(self, text: str) -> None:
        """Write to standard output, as it is."""
        self.clear()
        sys.stdout.write(text)
        sys.stdout.flush()

    def abandon_output(self) -> None:
        """Send standard output nowhere: what it still holds would fail again at the end, and spoil the status."""
        with contextlib.suppress(io.UnsupportedOperation), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())

    def complain(self, line: str) -> None:
        """Write a line to standard error."""
        self.clear()
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def progress(self, text: str) -> None:
        """Show for a while what is being waited for."""
        if self._can_rewrite and text != self._progress:
            self._progress = text
            sys.stderr.write(f"{_CLEAR}{_SAVE}{text}{_RESTORE}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the progress away."""
        if self._progress:
            self._progress = ""
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
