"""JSON Web Tokens as Heketi's clients write them, with every text of refusal (rest-api.md §2)."""

import base64
import binascii
import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jwt.algorithms import HMACAlgorithm

_HASHES = {"HS256": HMACAlgorithm.SHA256, "HS384": HMACAlgorithm.SHA384, "HS512": HMACAlgorithm.SHA512}
_OTHER_METHODS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "none"}
)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9_-]")
_ENDLESS = (math.inf, -math.inf)
"""What 1e999 is read as."""
_GO_KINDS = {bool: "bool", str: "string", float: "number"}
ADMIN, USER = "admin", "user"
"""Roles."""
ADMIN_ONLY = "Administrator access required"
_USER_PATH = "/volumes"
"""All that the role ``user`` may call."""


class Denied(Exception):  # a decision, told to the client
    """The request is not let in; carries the answer."""

    def __init__(self, text: str, status: int = 401) -> None:
        super().__init__(text)
        self.text, self.status = text, status


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Shared secrets by role, and how far clocks may differ."""

    admin: str
    user: str
    iat_leeway: int = 120
    """Seconds that a token may come from the future."""

    def __repr__(self) -> str:
        return "Keys(…)"


def authorise(keys: Keys, header: str | None, method: str, path: str, now: float) -> str:
    """Let a request in, and return the role of who asks.

    Args:
        keys: shared secrets.
        header: ``Authorization``.
        method: of the request.
        path: as sent, decoded and without query.
        now: seconds since the epoch.

    Raises:
        Denied: with status and text of the refusal.
    """
    if header is None:
        raise Denied("Required authorization token not found")
    words = header.split()
    if len(words) != 2 or words[0].lower() != "bearer":
        raise Denied("Authorization header format must be Bearer {token}", 400)
    try:
        claims = _verified_claims(keys, words[1], int(now))
    except Denied as denied:
        raise Denied(f"Invalid JWT token: {denied.text}") from denied
    expected = hashlib.sha256(f"{method}&{path}".encode("utf-8", "surrogatepass")).hexdigest()
    if not hmac.compare_digest(str(claims.get("qsh") or "").encode("utf-8", "surrogatepass"), expected.encode()):
        raise Denied("Invalid qsh claim in token")
    if claims["iss"] != ADMIN and path != _USER_PATH:
        raise Denied(ADMIN_ONLY)
    return str(claims["iss"])


def _verified_claims(keys: Keys, token: str, now: int) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise Denied("token contains an invalid number of segments")
    algorithm, claims = _algorithm(parts[0]), _json(parts[1])
    if not isinstance(algorithm, str) or (algorithm not in _HASHES and algorithm not in _OTHER_METHODS):
        raise Denied("signing method (alg) is unavailable.")
    if algorithm not in _HASHES:
        raise Denied(f"Unexpected signing method: {algorithm}")
    issuer = claims.get("iss")
    if not issuer:
        raise Denied("Token missing iss claim")
    key = {ADMIN: keys.admin, USER: keys.user}.get(issuer) if isinstance(issuer, str) else None
    if key is None:
        raise Denied("Unknown user")
    signed = f"{parts[0]}.{parts[1]}".encode()
    if not HMACAlgorithm(_HASHES[algorithm]).verify(signed, key.encode(), _base64(parts[2])):
        raise Denied("signature is invalid (client and server secrets may not match)")
    if problem := _time_problem(claims, now, keys.iat_leeway):
        raise Denied(problem)
    return claims


@lru_cache(maxsize=16)  # a client writes the same header each time
def _algorithm(header: str) -> object:
    return _json(header).get("alg")


def _time_problem(claims: Mapping[str, Any], now: int, leeway: int) -> str:
    """Return what is wrong with the times of a token; of several the last one tells."""
    problem = ""
    expires, issued, not_before = (_seconds(claims, name) for name in ("exp", "iat", "nbf"))
    if now > expires:
        problem = f"Token is expired by {_duration(now - expires)}"
    if issued and now < issued - leeway:
        problem = "Token used before issued (client and server clocks may differ)"
    if not_before and now < not_before:
        problem = "token is not valid yet"
    return problem


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or value in _ENDLESS:
        kind = _GO_KINDS.get(type(value), "object")
        raise Denied(f"json: cannot unmarshal {kind} into Go struct field HeketiJwtClaims.{name} of type int64")
    return int(value)


def _duration(seconds: int) -> str:
    """Return seconds as Heketi's clients know them: ``498668h2m8s``."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{rest}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def _json(segment: str) -> Mapping[str, Any]:
    try:
        text = _base64(segment)
        value = _DECODER.decode(text.decode(json.detect_encoding(text), "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise Denied(f"invalid JSON: {error}") from error
    if not isinstance(value, dict):
        raise Denied("invalid JSON: no object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _base64(segment: str) -> bytes:
    if wrong := _NOT_BASE64.search(segment):
        raise Denied(f"illegal base64 data at input byte {wrong.start()}")
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error as error:
        raise Denied(f"illegal base64 data at input byte {len(segment)}") from error
