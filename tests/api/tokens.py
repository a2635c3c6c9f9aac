"""Tokens as clients sign them, and as they should not."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any


def _part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(
    key: str = "adminkey",
    alg: str = "HS256",
    path: str = "/clusters",
    method: str = "GET",
    now: float | None = None,
    **claims: Any,
) -> str:
    """Return a header ``Authorization`` for a request, signed now unless another time is given."""
    at = int(time.time() if now is None else now)
    qsh = hashlib.sha256(f"{method}&{path}".encode()).hexdigest()
    given = {"iss": "admin", "iat": at, "exp": at + 300, "qsh": qsh} | claims
    body = f"{_part({'alg': alg, 'typ': 'JWT'})}.{_part({k: v for k, v in given.items() if v is not None})}"
    hashed = {"HS384": "sha384", "HS512": "sha512"}.get(alg, "sha256")
    return f"bearer {body}.{_part(hmac.digest(key.encode(), body.encode(), hashed))}"
