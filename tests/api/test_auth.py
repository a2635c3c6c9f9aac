"""Who is let in, and every text of refusal (rest-api.md §2)."""

from functools import partial

import pytest
from tests.api import tokens

from pyheketi.api.auth import Denied, Keys, authorise

KEYS = Keys(admin="adminkey", user="userkey")
NOW = 1_795_200_000.9
PATH = "/clusters"
token = partial(tokens.token, now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        token(),
        token().replace("bearer", "BEARER"),
        token(alg="HS384"),
        token(alg="HS512"),
        token(iat=None),
        token(iat=int(NOW) + 120),
        token(exp=int(NOW)),
        token(exp=NOW + 300.5),
        token(exp=int(NOW) + 7 * 86400, aud="x", sub="y"),
    ],
)
def test_let_in(header: str) -> None:
    authorise(KEYS, header, "GET", PATH, NOW)


@pytest.mark.parametrize(
    ("header", "status", "text"),
    [
        (None, 401, "Required authorization token not found"),
        ("", 400, "Authorization header format must be Bearer {token}"),
        ("bearer", 400, "Authorization header format must be Bearer {token}"),
        ("basic abc", 400, "Authorization header format must be Bearer {token}"),
        ("bearer a b", 400, "Authorization header format must be Bearer {token}"),
        ("bearer a.b", 401, "Invalid JWT token: token contains an invalid number of segments"),
        ("bearer !a.b.c", 401, "Invalid JWT token: illegal base64 data at input byte 0"),
        (token(alg="none"), 401, "Invalid JWT token: Unexpected signing method: none"),
        (token(alg="RS256"), 401, "Invalid JWT token: Unexpected signing method: RS256"),
        (token(alg="HS1"), 401, "Invalid JWT token: signing method (alg) is unavailable."),
        (token(iss=None), 401, "Invalid JWT token: Token missing iss claim"),
        (token(iss="root"), 401, "Invalid JWT token: Unknown user"),
        (token(iss=["admin"]), 401, "Invalid JWT token: Unknown user"),
        (
            token(key="wrong", exp=1),
            401,
            "Invalid JWT token: signature is invalid (client and server secrets may not match)",
        ),
        (token(exp=int(NOW) - 5), 401, "Invalid JWT token: Token is expired by 5s"),
        (token(exp=int(NOW) - 3700), 401, "Invalid JWT token: Token is expired by 1h1m40s"),
        (token(exp=None), 401, "Invalid JWT token: Token is expired by 498666h40m0s"),
        (
            token(iat=int(NOW) + 121, exp=1),
            401,
            "Invalid JWT token: Token used before issued (client and server clocks may differ)",
        ),
        (token(nbf=int(NOW) + 1), 401, "Invalid JWT token: token is not valid yet"),
        (token(path="/volumes"), 401, "Invalid qsh claim in token"),
        (token(qsh=None), 401, "Invalid qsh claim in token"),
        (token(qsh="é"), 401, "Invalid qsh claim in token"),
        (token("userkey", iss="user"), 401, "Administrator access required"),
    ],
)
def test_kept_out(header: str | None, status: int, text: str) -> None:
    with pytest.raises(Denied) as denied:
        authorise(KEYS, header, "GET", PATH, NOW)
    assert (denied.value.status, denied.value.text) == (status, text)


@pytest.mark.parametrize("garbage", ["bearer e30.e30.e30", "bearer W10.e30.", "bearer ..", "bearer e30.bnVsbA.a"])
def test_garbage_is_kept_out_with_words(garbage: str) -> None:
    with pytest.raises(Denied, match="Invalid JWT token: "):
        authorise(KEYS, garbage, "GET", PATH, NOW)


def test_users_may_make_and_list_volumes_and_nothing_else() -> None:
    authorise(KEYS, token("userkey", iss="user", path="/volumes"), "GET", "/volumes", NOW)
    for path in ("/volumes/", "/volumes/abc", "/queue/abc"):
        with pytest.raises(Denied, match="Administrator access required"):
            authorise(KEYS, token("userkey", iss="user", path=path), "GET", path, NOW)


def test_keys_are_not_shown() -> None:
    assert "adminkey" not in repr(KEYS)
