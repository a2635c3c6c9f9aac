"""JSON Web Tokens for requests (clients.md §1.1).

HS256 is three lines of the standard library. A library would cost every command of the CLI more time than the
request itself.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping

LIFE = 300
"""Seconds that a token is valid."""


def bearer(user: str, key: str, method: str, path: str, now: float) -> str:
    """Return the ``Authorization`` header for one request.

    Args:
        user: Issuer; may be empty for a server without authentication.
        key: Shared secret; may be empty as well.
        method: In capital letters.
        path: Percent-decoded, with the prefix of a proxy, without query.
        now: Seconds since the epoch.
    """
    issued = int(now)
    scope = hashlib.sha256(f"{method}&{path}".encode("utf-8", "surrogateescape")).hexdigest()
    claims: dict[str, str | int] = {"exp": issued + LIFE, "iat": issued, "iss": user, "qsh": scope}
    signed = f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(claims)}"
    signature = hmac.digest(key.encode("utf-8", "surrogateescape"), signed.encode(), "sha256")
    return f"bearer {signed}.{_base64(signature)}"


def _segment(claims: Mapping[str, str | int]) -> str:
    return _base64(json.dumps(claims, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
