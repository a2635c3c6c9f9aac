"""Faults that are found before anything is sent: each names the file, and what to do."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.executor.sshd import program, write_key

from pyheketi.executors.ssh import KeyFileError, KnownHostsError, SshExecutor, SshOptions, known_hosts_of, load_key


def missing(path: Path) -> None:
    assert not path.exists()


def a_folder(path: Path) -> None:
    path.mkdir(mode=0o700)


def open_to_others(path: Path) -> None:
    write_key(path).chmod(0o640)


def public(path: Path) -> None:
    path.touch(0o600)
    path.write_text(write_key(path.with_name("other")).with_name("other.pub").read_text())


def garbage(path: Path) -> None:
    path.touch(0o600)
    path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IGEga2V5\n-----END OPENSSH PRIVATE KEY-----\n")


def empty(path: Path) -> None:
    path.touch(0o600)


def with_passphrase(path: Path) -> None:
    tool = program("ssh-keygen", "openssh-client")
    subprocess.run([tool, "-q", "-t", "ed25519", "-N", "open sesame", "-f", str(path)], check=True)


def with_passphrase_of_old(path: Path) -> None:
    with_passphrase(path)
    tool = program("ssh-keygen", "openssh-client")
    words = ["-p", "-P", "open sesame", "-N", "open sesame", "-m", "PKCS8", "-f", str(path)]
    subprocess.run([tool, "-q", *words], check=True)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (missing, "No such file or directory"),
        (a_folder, "Is a directory"),
        (open_to_others, "(mode 0640): run chmod 600 {path}"),
        (public, "{path} is a public key"),
        (garbage, "{path} is not a private key"),
        (empty, "{path} is not a private key"),
        (with_passphrase, "ssh-keygen -p -f {path}"),
        (with_passphrase_of_old, "ssh-keygen -p -f {path}"),
    ],
)
def test_a_key_that_cannot_be_used(make: Callable[[Path], None], text: str, tmp_path: Path) -> None:
    path = tmp_path / "id"
    make(path)
    with pytest.raises(KeyFileError) as caught:
        load_key(path)
    assert str(path) in str(caught.value)
    assert text.format(path=path) in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_key_of_another_user_may_be_open_to_a_group(tmp_path: Path) -> None:
    path = write_key(tmp_path / "id")
    path.chmod(0o440)
    os.chown(path, 65534, -1)
    assert load_key(path).get_algorithm() == "ssh-ed25519"


def test_broken_known_hosts_are_named(tmp_path: Path) -> None:
    key, file, absent = write_key(tmp_path / "id"), tmp_path / "known_hosts", tmp_path / "absent"
    file.write_text("# ours\n\nnonsense\n")
    with pytest.raises(KnownHostsError, match=f"{file} line 3 is no known host key"):
        SshExecutor(SshOptions(key_file=key, known_hosts=file))
    with pytest.raises(KnownHostsError, match=f"{absent}: No such file or directory; ssh-keyscan NODE"):
        SshExecutor(SshOptions(key_file=key, known_hosts=absent))
    with pytest.raises(KnownHostsError, match="No file of known ssh host keys"):
        SshExecutor(SshOptions(key_file=key))


def test_files_named_by_the_environment() -> None:
    assert known_hosts_of({"SSH_KNOWN_HOSTS": "/a:/b c:"}) == (Path("/a"), Path("/b c"))
    assert known_hosts_of({}) == ()
