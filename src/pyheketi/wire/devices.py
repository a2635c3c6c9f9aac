"""Devices on the wire (rest-api.md §7.4)."""

from typing import Annotated

from pydantic import Field

from pyheketi.wire import checks
from pyheketi.wire.base import OMIT, Int64, Items, Strings, WireModel
from pyheketi.wire.bricks import Brick


class DeviceAdd(WireModel):
    """Body of ``POST /devices``."""

    name: str = ""
    tags: Annotated[dict[str, str], OMIT] = Field(default_factory=dict)
    node: str = ""
    destroydata: Annotated[bool, OMIT] = False
    """Wipe foreign data, where that is safe."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal(
            {
                "name": checks.device_name(self.name),
                "node": checks.uuid(self.node),
                "tags": checks.tags(self.tags),
            }
        )


class DeviceDelete(WireModel):
    """Optional body of ``DELETE /devices/{id}``."""

    forceforget: bool = False
    """Forget the device whatever its node says."""


class Storage(WireModel):
    """Space of a device, in KiB."""

    total: Int64 = 0
    free: Int64 = 0
    used: Int64 = 0


class BareDevice(WireModel):
    """A device without what is on it."""

    name: str = ""
    tags: Annotated[dict[str, str], OMIT] = Field(default_factory=dict)
    storage: Storage = Storage()
    id: str = ""
    paths: Annotated[Strings, OMIT] = ()
    pv_uuid: Annotated[str, OMIT] = ""
    state: str = ""


class Device(BareDevice):
    """A device of a node."""

    bricks: Items[Brick] = ()
