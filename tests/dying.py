"""Do something in a process of its own that dies at its n-th deed on a file system, as if it were killed there."""

import os
import traceback
from collections.abc import Callable
from typing import Any

DEEDS = ("open", "write", "fsync", "rename", "replace", "unlink", "link", "mkdir", "utime", "ftruncate", "pwrite")
"""Functions of ``os`` that change what is on a disk, or may."""

DEAD = 77


def dies_at(deed: int, act: Callable[[], object]) -> bool:
    """Tell whether the process died before its n-th deed, counted from 0; otherwise it ended by itself."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _count_down(deed)
            act()
            status = 0
        except BaseException:  # noqa: BLE001  # it must not come back into the tests
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, DEAD)
    return status == DEAD


def _count_down(left: int) -> None:
    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            if left == 0:
                os._exit(DEAD)
            left -= 1
            return function(*arguments, **named)

        return call

    for name in DEEDS:
        setattr(os, name, dying(getattr(os, name)))
