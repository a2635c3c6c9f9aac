"""Tokens of all sorts: let in, or refused in words; who has no key gets in by none of them."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.depth import often

from pyheketi.api.auth import Denied, Keys, authorise

NOW = 1_800_000_000
KEYS = Keys(admin="adminkey", user="userkey")
QSH = hashlib.sha256(b"GET&/clusters").hexdigest()

ALGORITHMS = [
    "HS256",
    "HS384",
    "HS512",
    "none",
    "None",
    "NONE",
    "RS256",
    "ES256",
    "PS512",
    "EdDSA",
    "hs256",
    "",
    "HS257",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
clocks = st.sampled_from([0, -1, NOW, NOW + 300, NOW + 10**6, 2**63, -(2**63), 10**400, 1e308, 1.5, "1", True, [], {}])
headers = st.fixed_dictionaries(
    {"alg": st.sampled_from(ALGORITHMS) | anything}, optional={"typ": anything, "kid": anything}
)
claims = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.sampled_from(["admin", "user", "", "Admin"]) | anything,
        "qsh": st.sampled_from([QSH, QSH.upper(), "", None]) | anything,
        **dict.fromkeys(("exp", "iat", "nbf"), clocks | anything),
    },
)
raw_parts = st.sampled_from(
    [b"", b"null", b"[]", b"{", b"\xff\xfe{}", b"[" * 5000, b'{"exp":1e999}', b'{"exp":' + b"9" * 5000 + b"}"]
)


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(key: str, header: object, body: object) -> str:
    text = f"{part(header)}.{part(body)}"
    algorithm = header.get("alg") if isinstance(header, dict) else ""
    hashed = {"HS384": "sha384", "HS512": "sha512"}.get(algorithm if isinstance(algorithm, str) else "", "sha256")
    return f"bearer {text}.{part(hmac.digest(key.encode(), text.encode(), hashed))}"


def let_in(token: str) -> bool:
    """Tell whether a token opens the door; a refusal has words and a status."""
    try:
        authorise(KEYS, token, "GET", "/clusters", NOW)
    except Denied as denied:
        refusal = denied
    else:
        return True
    assert refusal.text
    assert refusal.status in {400, 401}
    assert "adminkey" not in refusal.text
    return False


@settings(max_examples=often(500, 50_000))
@given(key=st.sampled_from(["adminkey", "userkey"]), header=headers | raw_parts, body=claims | raw_parts)
@example(key="adminkey", header={"alg": []}, body={})
@example(key="adminkey", header={"alg": "HS256"}, body=b'{"iss":"admin","exp":1e999}')
@example(key="adminkey", header={"alg": "HS256"}, body={"iss": "admin", "exp": NOW + 9, "qsh": "\ud800"})
def test_what_our_own_key_signs_is_let_in_only_as_it_should(key: str, header: Any, body: Any) -> None:
    if let_in(sign(key, header, body)):
        assert header["alg"] in {"HS256", "HS384", "HS512"}
        assert (body["iss"], key, body["qsh"]) == ("admin", "adminkey", QSH)
        assert body["exp"] >= NOW


@settings(max_examples=often(300, 50_000))
@given(header=headers | raw_parts, body=claims | raw_parts, key=st.sampled_from(["", "userkey", "admin", "adminkey "]))
def test_another_key_opens_nothing(header: Any, body: Any, key: str) -> None:
    assert not let_in(sign(key, header, body)) or (key == "userkey" and body["iss"] == "user")


@settings(max_examples=often(200, 20_000))
@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")))
@example("bearer ..")
@example("bearer ٣.٣.٣")
def test_garbage_opens_nothing(header: str) -> None:
    assert not let_in(header)
    assert not let_in(f"bearer {header}")


@pytest.mark.parametrize("segment", range(3))
def test_a_token_of_a_mebibyte_is_refused_like_others(segment: int) -> None:
    token = sign("adminkey", {"alg": "HS256"}, {"iss": "admin", "exp": NOW + 9, "qsh": QSH, "iat": NOW})
    assert let_in(token)
    kind, words = token.split(" ")
    parts = words.split(".")
    for filling in ("A", ".", "_", "=", "ä"):
        huge = [each + filling * 2**20 if number == segment else each for number, each in enumerate(parts)]
        assert not let_in(f"{kind} {'.'.join(huge)}")
