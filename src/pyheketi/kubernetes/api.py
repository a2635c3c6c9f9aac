"""Questions to the API server, and secrets for it to keep."""

import base64
import json
import ssl
from collections.abc import Mapping
from urllib.parse import quote

import httpx2

from pyheketi.kubernetes.access import Access, AccessError
from pyheketi.kubernetes.pods import DEFAULT_CONTAINER, Pod

RIGHTS = (
    "give the user that it names the rights it lacks; deploy/kubernetes.yaml has them all:"
    " get and list of pods, get and create of pods/exec, create and update of secrets"
)


class ApiError(Exception):
    """The API server did not answer, or refused; the text says what to do."""

    def __init__(self, text: str, *, status: int = 0) -> None:
        """``status`` is that of HTTP; 0 without an answer."""
        super().__init__(text)
        self.status = status


class Api:
    """The API server, through connections that are kept."""

    def __init__(self, access: Access, *, patience: float = 10.0) -> None:
        """``patience`` is seconds to wait for a connection and for an answer."""
        self.access = access
        self._client = httpx2.AsyncClient(
            base_url=access.server, verify=access.tls, timeout=patience, trust_env=False, follow_redirects=False
        )

    async def pods(self, namespace: str, *, labels: str, fields: str = "") -> list[Pod]:
        """Return the pods that selectors choose. Raises ``ApiError``."""
        query = {"labelSelector": labels} | ({"fieldSelector": fields} if fields else {})
        answer = await self._ask("GET", f"/api/v1/namespaces/{quote(namespace, safe='')}/pods", query=query)
        items = _section(answer).get("items")
        return [_pod(each) for each in (items if isinstance(items, list) else [])]

    async def pod(self, namespace: str, name: str) -> Pod:
        """Return a pod. Raises ``ApiError``."""
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}"
        return _pod(await self._ask("GET", path))

    async def put_secret(self, namespace: str, name: str, content: Mapping[str, bytes]) -> None:
        """Replace a secret, or make it. Raises ``ApiError``."""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "data": {key: base64.b64encode(value).decode() for key, value in content.items()},
        }
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets"
        try:
            await self._ask("PUT", f"{path}/{quote(name, safe='')}", body=body)
        except ApiError as error:
            if error.status != httpx2.codes.NOT_FOUND:
                raise
            await self._ask("POST", path, body=body)

    async def _ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> object:
        try:
            headers = authorization(self.access)
            answer = await self._client.request(method, path, params=query, json=body, headers=headers)
        except (httpx2.HTTPError, OSError) as error:
            raise no_answer(self.access, error) from error
        if not answer.is_success:
            raise refusal(answer.status_code, answer.content)
        try:
            return answer.json()
        except ValueError as error:
            raise ApiError(f"the API server {self.access.server} does not answer in JSON: is that its port?") from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def authorization(access: Access) -> dict[str, str]:
    """Return the header that says who we are. Raises ``ApiError`` when the token cannot be read."""
    try:
        token = access.token()
    except AccessError as error:
        raise ApiError(str(error)) from error
    return {"Authorization": f"Bearer {token}"} if token else {}


def no_answer(access: Access, error: Exception) -> ApiError:
    """Return the error for an API server that cannot be talked to."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        advice = f"{cause.verify_message} (by the certificates of {access.origin})"
    elif isinstance(error, TimeoutError | httpx2.TimeoutException):
        advice = "no answer in time (is it up? does a network policy or firewall drop packets?)"
    else:
        advice = str(error) or type(error).__name__
    return ApiError(f"the API server {access.server} cannot be reached: {advice}")


def refusal(status: int, body: bytes) -> ApiError:
    """Return the error for an answer that is no success."""
    try:
        said = str(_section(json.loads(body))["message"])
    except (ValueError, KeyError):
        said = body[:300].decode(errors="replace").strip()
    match status:
        case 401:
            advice = "our token is not accepted: has it expired, is it of another cluster?"
        case 403:
            advice = RIGHTS
        case _:
            advice = ""
    text = f"the API server answered {status}: {said or 'nothing more'}"
    return ApiError(f"{text}. To do: {advice}" if advice else text, status=status)


def _pod(document: object) -> Pod:
    about, spec, status = (_section(_section(document).get(key)) for key in ("metadata", "spec", "status"))
    containers = spec.get("containers")
    return Pod(
        name=str(about.get("name")),
        namespace=str(about.get("namespace")),
        phase=str(status.get("phase", "Unknown")),
        leaving=bool(about.get("deletionTimestamp")),
        containers=tuple(
            str(_section(each).get("name")) for each in (containers if isinstance(containers, list) else [])
        ),
        default_container=str(_section(about.get("annotations")).get(DEFAULT_CONTAINER, "")),
    )


def _section(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
