"""Keys: the one we log in with, and those that tell nodes from others."""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import asyncssh

from pyheketi.domain import errors

_log = logging.getLogger(__package__)

_SSH_PORT = 22
_PUBLIC = (b"ssh-", b"ecdsa-", b"sk-", b"-----BEGIN PUBLIC", b"-----BEGIN RSA PUBLIC", b"---- BEGIN SSH2 PUBLIC")


class KeyFileError(errors.Error):
    """The private key cannot be used."""

    code = "ssh-key-file"


class KnownHostsError(errors.Error):
    """The files of known host keys cannot be used."""

    code = "ssh-known-hosts"


def known_hosts_of(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files named by ``SSH_KNOWN_HOSTS``, separated by colons, as Heketi took them."""
    return tuple(Path(each) for each in environ.get("SSH_KNOWN_HOSTS", "").split(":") if each)


def load_key(path: Path) -> asyncssh.SSHKey:
    """Read a private key.

    Raises:
        KeyFileError: it is missing, open to others, not a private key, or has a passphrase.
    """
    try:
        facts, data = path.stat(), path.read_bytes()
    except OSError as exc:
        raise KeyFileError(f"Unable to read the ssh private key {path}: {exc.strerror}") from exc
    if facts.st_uid == os.geteuid() and facts.st_mode & 0o077:  # as ssh does: mounted secrets belong to others
        mode = facts.st_mode & 0o777
        raise KeyFileError(f"Other users may read the ssh private key {path} (mode {mode:04o}): run chmod 600 {path}")
    if data.lstrip().startswith(_PUBLIC):
        raise KeyFileError(f"{path} is a public key: name the private one, usually the same file without .pub")
    try:
        return asyncssh.import_private_key(data)
    except asyncssh.KeyEncryptionError as exc:
        raise KeyFileError(f"The ssh private key {path} is encrypted in an unknown way: {exc}") from exc
    except asyncssh.KeyImportError as exc:
        if "assphrase" in str(exc):
            raise KeyFileError(
                f"The ssh private key {path} has a passphrase, and nobody is here to type it: "
                f"remove it with ssh-keygen -p -f {path}, or make a key without one"
            ) from exc
        raise KeyFileError(f"{path} is not a private key that ssh can use: {exc}") from exc


class KnownHosts:
    """Host keys in files. They are read at every connection, so that a person may mend them meanwhile."""

    def __init__(self, own: Path | None, more: tuple[Path, ...] = (), *, learn: bool = False) -> None:
        """Read all files once, to find faults early.

        Args:
            own: the file that learned keys are added to.
            more: further files, never written to.
            learn: whether the key of a host never seen before is believed.

        Raises:
            KnownHostsError: no file is named, one is missing or broken.
        """
        self.files = ((own,) if own else ()) + more
        self.learning = own if learn else None
        if not self.files or (learn and not own):
            raise KnownHostsError("No file of known ssh host keys is configured: nodes could not be told from others")
        self.load()

    def load(self) -> asyncssh.SSHKnownHosts:
        """Read all files.

        Raises:
            KnownHostsError: one is missing or broken.
        """
        known = asyncssh.SSHKnownHosts()
        for place, line in self._lines():
            try:
                known.load(line)
            except ValueError as exc:
                raise KnownHostsError(f"{place} is no known host key: {exc}") from exc
        return known

    def places(self, host: str, address: str, port: int) -> list[str]:
        """Return the files and lines that speak of a host."""
        other = port if port != _SSH_PORT else None
        return [place for place, line in self._lines() if any(asyncssh.SSHKnownHosts(line).match(host, address, other))]

    def _lines(self) -> Iterator[tuple[str, str]]:
        for file in self.files:
            try:
                lines = file.read_text(errors="surrogateescape").splitlines()
            except OSError as exc:
                if isinstance(exc, FileNotFoundError) and file == self.learning:
                    continue
                raise KnownHostsError(
                    f"Unable to read the known ssh host keys in {file}: {exc.strerror}; "
                    f"ssh-keyscan NODE >> {file} makes them, compare them with those on the node"
                ) from exc
            yield from ((f"{file} line {number}", line) for number, line in enumerate(lines, 1))

    def learn(self, host: str, port: int, key: asyncssh.SSHKey) -> None:
        """Remember the key of a host."""
        if not self.learning:
            return
        line = f"{_key_name(host, port)} {key.export_public_key().decode().strip()}\n"
        with self.learning.open("a+b") as file:
            if file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
                line = f"\n{line}"
            file.write(line.encode())
        _log.warning(
            "Learned the host key of %s:%d: %s %s. It is believed from now on (%s); check it on the node",
            *(host, port, key.get_algorithm(), key.get_fingerprint(), self.learning),
        )


def _key_name(host: str, port: int) -> str:
    return host if port == _SSH_PORT else f"[{host}]:{port}"


class Client(asyncssh.SSHClient):
    """Judges the host key that no file vouches for."""

    def __init__(self, known: KnownHosts) -> None:
        self._known = known
        self.learned: asyncssh.SSHKey | None = None
        """Key to remember once the host has proved that it owns it."""
        self.refusal = ""
        """Why the key was refused."""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Tell whether the key may be believed."""
        if key == self.learned:  # asked again when keys are exchanged anew, and the file has it by now
            return True
        places = self._known.places(host, addr, port)
        shown = f"{key.get_algorithm()} {key.get_fingerprint()}"
        if places:
            self.refusal = (
                f"its host key has changed: it shows {shown}, which is not the key in {', '.join(places)}. If the node "
                "was installed anew, remove that line; if not, somebody may be listening in"
            )
        elif self._known.learning:
            self.learned = key
        else:
            files = [str(file) for file in self._known.files]
            self.refusal = (
                f"its host key {shown} is not in {', '.join(files)}. Compare it with the one on the node, "
                f"then run ssh-keyscan -p {port} {host} >> {files[0]}"
            )
        return not self.refusal
