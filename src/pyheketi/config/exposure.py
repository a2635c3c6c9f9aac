"""Files with secrets in them that everybody on this host may read."""

import glob
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyheketi.config.settings import Settings

_KEYS = {"HEKETI_ADMIN_KEY": "admin_key", "HEKETI_USER_KEY": "user_key"}
_PASSWORDS = "passwords of block volumes"


def warnings(
    config: str, settings: Settings, environ: Mapping[str, str], databases: Iterable[Path] = ()
) -> Iterator[str]:
    """Yield what to say of the modes of the configuration file, of keys, and of the database with its copies.

    The private key for the nodes is not among them: one that others may read is refused when it is loaded.

    Args:
        config: path of the configuration file.
        settings: what it says.
        environ: variables, which may have said some of it instead.
        databases: the database file and its backups; files beside them whose names begin alike count too.
    """
    files = [*_with_secrets(config, settings, environ), *((path, _PASSWORDS) for path in _all(databases))]
    for path, what in files:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # whoever needs it says what is wrong with it
        if stat.S_ISREG(mode) and mode & stat.S_IRWXO:
            yield (
                f"{path} holds {what}, and everybody on this host may get at it (mode {stat.S_IMODE(mode):04o}):"
                f" run chmod o-rwx {path}"
            )


def _with_secrets(config: str, settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    gluster = settings.glusterfs
    if any(getattr(settings, name) and not environ.get(variable) for variable, name in _KEYS.items()):
        yield Path(config), "keys of clients"
    elif settings.database_url:
        yield Path(config), "the address of the database"
    if settings.enable_tls:
        yield Path(settings.key_file), "the key of the server's certificate"
    if gluster.kube.kubeconfig:
        yield Path(gluster.kube.kubeconfig), "credentials for Kubernetes"


def _all(databases: Iterable[Path]) -> list[Path]:
    found = {each for path in databases for each in path.parent.glob(f"{glob.escape(path.name)}*")}
    return sorted(each for each in found if each.suffix != ".lock")
