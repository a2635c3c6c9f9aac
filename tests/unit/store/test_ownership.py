import os
import socket
from pathlib import Path

import pytest

from pyheketi.domain import errors
from pyheketi.store.ownership import Ownership


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "heketi.db"


def test_the_lock_names_its_owner_and_goes_with_it(database: Path) -> None:
    lock = database.with_name("heketi.db.lock")
    owned = Ownership(database)
    assert lock.read_text() == f"{os.getpid()} {socket.gethostname()}\n"

    with pytest.raises(errors.StoreLocked, match=f"process {os.getpid()} on host {socket.gethostname()}"):
        Ownership(database)

    owned.release()
    owned.release()
    assert lock.read_text() == ""
    Ownership(database).release()


def test_a_file_left_behind_is_no_lock(database: Path) -> None:
    database.with_name("heketi.db.lock").write_text("123456 a-host-that-is-gone\n")
    Ownership(database).release()


def test_an_owner_that_could_not_write_its_name_still_owns(database: Path) -> None:
    owned = Ownership(database)
    database.with_name("heketi.db.lock").write_text("")
    with pytest.raises(errors.StoreLocked, match=r"another heketi server\. Stop"):
        Ownership(database)
    owned.release()
