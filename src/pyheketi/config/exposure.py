"""Files with secrets in them that everybody on this host may read."""

import glob
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyheketi.config.settings import Settings

_KEYS = {"HEKETI_ADMIN_KEY": "admin_key", "HEKETI_USER_KEY": "user_key"}


def warnings(config: str, settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what to say of the modes of the configuration file, of keys, and of the database with its copies.

    The private key for the nodes is not among them: one that others may read is refused when it is loaded.
    """
    for path, what in _with_secrets(config, settings, environ):
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
    if not settings.database_url:
        database = Path(gluster.db)
        for path in sorted(database.parent.glob(f"{glob.escape(database.name)}*")):
            if path.suffix != ".lock":
                yield path, "passwords of block volumes"
