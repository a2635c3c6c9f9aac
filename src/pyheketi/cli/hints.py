"""What to do about an error: likely causes, and the variable or flag to set.

Hints follow the ``Error:`` line on lines of their own, so that whoever compares that line finds it as ever.
"""

import re
from collections.abc import Iterator

from pyheketi.client import address

_HINTS = (
    (
        "signature is invalid",
        "the key is not that of user '{user}': set HEKETI_CLI_KEY (or --secret) to jwt.{user}.key of the server",
    ),
    (
        "missing iss claim|authorization token not found",
        "no user was given: set HEKETI_CLI_USER and HEKETI_CLI_KEY (or --user and --secret)",
    ),
    ("Invalid JWT token: Unknown user", "the user is 'admin' or 'user': set HEKETI_CLI_USER (or --user)"),
    (
        "Token is expired|Token used before issued|token is not valid yet",
        "the clocks of this machine and of the server differ: set them right, with chrony for example",
    ),
    (
        "Invalid qsh claim",
        "something between here and the server changes the path: check HEKETI_CLI_SERVER (or --server) and any proxy",
    ),
    (
        "Administrator access required",
        "user '{user}' may do little: set HEKETI_CLI_USER=admin and its HEKETI_CLI_KEY (or --user and --secret)",
    ),
    (
        "connection refused|no route to host|network is unreachable|i/o timeout|invalid port",
        "is the server running at {server}? Its address is taken from HEKETI_CLI_SERVER (or --server)",
    ),
    ("no such host", "the host name in {server} is unknown: set HEKETI_CLI_SERVER (or --server)"),
    (
        "first path segment in URL|unsupported protocol scheme|no Host in request URL|^parse ",
        "the server's address looks like http://host:8080 or https://host:8080: set HEKETI_CLI_SERVER (or --server)",
    ),
    (
        "HTTP response to HTTPS client",
        "the server does not speak TLS: begin its address with http:// in HEKETI_CLI_SERVER (or --server)",
    ),
    (
        'HTTP request to an HTTPS server|^(Get|Post|Delete) "http:.*(: EOF|connection reset by peer)$',
        "if the server speaks TLS, begin its address with https:// in HEKETI_CLI_SERVER (or --server)",
    ),
    (
        "signed by unknown authority",
        "trust the certificate of the server or of its authority with --tls-cert FILE, or any with --insecure-tls",
    ),
    (
        "x509: certificate is not valid for",
        "use a name in the address of the server that its certificate is made for, or --insecure-tls",
    ),
    ("^failed to (read|load PEM)", "--tls-cert wants files with certificates in PEM, beginning with -----BEGIN"),
    ("Server busy", "other operations are running: wait, or raise max_inflight_operations in the server's heketi.json"),
)


def hints(text: str, *, server: str, user: str) -> Iterator[str]:
    """Return what to do about an error with this text."""
    for pattern, hint in _HINTS:
        if re.search(pattern, text):
            yield hint.format(server=address.shown(server), user=user or "admin")
            return
