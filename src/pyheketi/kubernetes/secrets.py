"""The database in a secret (executors.md §13)."""

from pyheketi.kubernetes.access import Access
from pyheketi.kubernetes.api import Api

KEY = "heketi.db.gz"
"""Of the content that holds the database."""

LIMIT = 1 << 20
"""Bytes that a secret can hold."""


class DatabaseSecret:
    """The secret that a copy of the database is kept in."""

    def __init__(self, access: Access, name: str) -> None:
        self._api = Api(access)
        self._namespace, self._name = access.namespace, name

    async def put(self, copy: bytes) -> None:
        """Replace the copy by another gzip-ed one. Raises ``ApiError``."""
        await self._api.put_secret(self._namespace, self._name, {KEY: copy})

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.aclose()
