"""Nodes by ssh. The only package that knows asyncssh."""

from pyheketi.executors.ssh.executor import SshExecutor, SshOptions
from pyheketi.executors.ssh.keys import KeyFileError, KnownHostsError, known_hosts_of, load_key

__all__ = ["KeyFileError", "KnownHostsError", "SshExecutor", "SshOptions", "known_hosts_of", "load_key"]
