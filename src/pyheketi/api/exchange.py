"""What a client has, and what it takes: answers it knows already are not sent again, large ones are compressed."""

import asyncio
import copy
import gzip
import re
import zlib
from collections.abc import Callable, Iterator

from pyheketi.api.answers import Answer, PartedAnswer

LARGE = 64 * 1024
"""Bytes from which compression is worth its time."""
_LEVEL = 1
"""Ids are random: more effort finds nothing."""

_NO_WEIGHT = re.compile(r"q\s*=\s*0(\.0*)?\s*$", re.IGNORECASE)


def knows(if_none_match: str, tag: str) -> bool:
    """Tell whether a client has an answer with this tag (RFC 9110 §13.1.2)."""
    given = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return "*" in given or tag.removeprefix("W/") in given


def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether a client takes gzip (RFC 9110 §12.5.3)."""
    weights = {}
    for each in accept_encoding.split(","):
        coding, _, weight = each.partition(";")
        weights[coding.strip().lower()] = not _NO_WEIGHT.match(weight.strip())
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


async def fitted(answer: Answer, header: Callable[[bytes], str | None]) -> Answer:
    """Return an answer as a client wants it: nothing that it has, and compressed if it is large.

    ``header`` finds what the client has sent. The answer given stays as it is: others may be given it, too.
    """
    if answer.tag and knows(header(b"if-none-match") or "", answer.tag):
        return Answer(304, headers={"ETag": answer.tag})
    large = isinstance(answer, PartedAnswer) or (len(answer.body) > LARGE and _is_json(answer))
    if not large:
        return answer
    answer = copy.copy(answer)
    answer.raw_headers = [*answer.raw_headers, (b"vary", b"accept-encoding")]
    if not takes_gzip(header(b"accept-encoding") or ""):
        return answer
    answer.raw_headers.append((b"content-encoding", b"gzip"))
    if isinstance(answer, PartedAnswer):
        answer.parts = _compressed(answer.parts)
        return answer
    answer.body = await asyncio.to_thread(gzip.compress, answer.body, _LEVEL)  # zlib lets other threads run
    length = (b"content-length", str(len(answer.body)).encode())
    answer.raw_headers = [length if each[0] == length[0] else each for each in answer.raw_headers]
    return answer


def _is_json(answer: Answer) -> bool:
    return any(name == b"content-type" and value.startswith(b"application/json") for name, value in answer.raw_headers)


def _compressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    squeeze = zlib.compressobj(_LEVEL, wbits=31)  # with gzip's header and end
    for part in parts:
        if squeezed := squeeze.compress(part):
            yield squeezed
    yield squeeze.flush()
