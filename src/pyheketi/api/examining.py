"""An examination in Heketi's words: gluster's XML and LVM's reports, field by field (rest-api.md §7.9)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from pyheketi.commands.examination import NodePicture
from pyheketi.control_plane.examiner import Examination
from pyheketi.control_plane.orphans import Search
from pyheketi.control_plane.serving import Survey
from pyheketi.domain.ids import ClusterId
from pyheketi.domain.topology import Topology
from pyheketi.planning.brick_service import Fault
from pyheketi.planning.orphans import Found, Verdict
from pyheketi.wire import brick_service, orphans
from pyheketi.wire import examination as wire
from pyheketi.wire.dump import Dump

_COUNTS = (
    *("BrickCount", "DistCount", "StripeCount", "ReplicaCount", "ArbiterCount", "DisperseCount", "RedundancyCount"),
    "Type",
)
_NOWHERE = {"Space": "", "Local": ""}
_LVM_COLUMNS = {
    "pv": ("pv_name", "vg_name", "pv_fmt", "pv_attr", "pv_size", "pv_free"),
    "vg": ("vg_name", "pv_count:", "lv_count", "snap_count", "vg_attr", "vg_size", "vg_free"),
    "lv": (
        *("lv_name", "vg_name", "lv_attr", "lv_size", "pool_lv", "origin", "data_percent", "metadata_percent"),
        *("move_pv", "mirror_log", "copy_percent", "convert_lv"),
    ),
}
"""Columns in Heketi's order; ``pv_count:`` is misspelt there, and so always empty."""


def examination_to_wire(topology: Topology, database: Dump, found: Examination, in_flight: int) -> wire.Examination:
    """Return an examination while ``in_flight`` operations are at work."""
    return wire.Examination(
        heketidb=database,
        report=(f"OnDemand Examiner invoked while {in_flight} ops are in flight", *found.report),
        clusters=tuple(_cluster(topology, cluster.id, found) for cluster in topology.clusters()),
    )


def search_to_wire(topology: Topology, search: Search, preview: Callable[[Found], Sequence[str]]) -> orphans.Orphans:
    """Return what was found that is not as the database says; ``preview`` tells what would remove a brick."""
    return orphans.Orphans(
        bricks=tuple(
            _stray(each, preview(each) if each.verdict is Verdict.ORPHAN else ())
            for each in search.bricks
            if each.verdict is not Verdict.KNOWN
        ),
        known=sum(each.verdict is Verdict.KNOWN for each in search.bricks),
        silent=_silent(topology, search.silent),
    )


def survey_to_wire(topology: Topology, survey: Survey) -> brick_service.BrickService:
    """Return which bricks do not serve as they should."""
    return brick_service.BrickService(
        bricks=tuple(
            brick_service.FaultyBrick(
                brick=each.place.brick,
                volume=each.volume.id,
                volume_name=each.volume.name,
                cluster=each.node.cluster,
                node=each.node.id,
                host=each.place.host,
                path=each.place.path,
                faults=tuple(fault.value for fault in Fault if fault in each.faults),
                mendable=each.mendable,
            )
            for each in survey.troubles
        ),
        looked_at=survey.looked_at,
        silent=_silent(topology, survey.silent),
    )


def _silent(topology: Topology, reasons: Mapping[str, str]) -> tuple[orphans.SilentNode, ...]:
    return tuple(
        orphans.SilentNode(node=node.id, host=node.manage_host, reason=reasons[node.id])
        for node in topology.nodes()
        if node.id in reasons
    )


def _stray(found: Found, commands: Sequence[str]) -> orphans.StrayBrick:
    facts, place = found.facts, found.place
    parts = (("mount", facts.mounts), ("fstab", facts.in_fstab), ("lv", facts.has_volume), ("pool", facts.has_pool))
    return orphans.StrayBrick(
        cluster=found.node.cluster,
        node=found.node.id,
        host=place.host,
        device=found.device or "",
        volume_group=place.volume_group,
        brick=place.brick,
        state=found.verdict.value,
        reason=found.why,
        size=int(found.size),
        mount_point=place.mount_point,
        parts=tuple(name for name, there in parts if there),
        commands=tuple(commands),
    )


def _cluster(topology: Topology, id_: ClusterId, found: Examination) -> wire.ClusterData:
    nodes = tuple(_node(node.id, found, found.pictures[node.id]) for node in topology.nodes_of(id_))
    if not nodes:
        return wire.ClusterData(ClusterHeketiID=id_)  # null, as Heketi has it
    return wire.ClusterData(ClusterHeketiID=id_, NodesData=nodes)


def _node(id_: str, found: Examination, picture: NodePicture | None) -> wire.NodeData:
    if picture is None:
        return wire.NodeData(NodeHeketiID=id_)
    pvs, vgs, lvs = (_report(kind, report) for kind, report in zip(_LVM_COLUMNS, picture.lvm, strict=True))
    mounts = None
    if picture.fstab is not None:
        mounts = wire.BrickMounts(
            Statuses=tuple(
                wire.BrickMount(
                    Device=line.device,
                    MountPoint=line.mount_point,
                    Type=line.type,
                    MountOptions=line.options,
                    Mounted=line.mounted,
                )
                for line in picture.fstab
            )
        )
    names = tuple(
        f"{volume.name}/{block}"
        for volume, blocks in zip(found.hosting, picture.block_volumes, strict=True)
        for block in blocks or ()
    )
    return wire.NodeData(
        NodeHeketiID=id_,
        VolumeInfo=None if picture.volumes is None else _volumes(picture.volumes),
        LVMPVInfo=pvs,
        LVMVGInfo=vgs,
        LVMLVInfo=lvs,
        BricksMountStatus=mounts,
        BlockVolumeNames=names or None,
    )


def _report(kind: str, report: dict[str, Any] | None) -> dict[str, Any] | None:
    if report is None:
        return None
    rows = [row for part in report.get("report", ()) for row in part.get(kind, ())]
    return {"report": [{kind: [{name: row.get(name, "") for name in _LVM_COLUMNS[kind]} for row in rows]}]}


def _name(element: ET.Element | None) -> dict[str, str]:
    return _NOWHERE if element is None else {"Space": "", "Local": element.tag}


def _volumes(output: ET.Element) -> dict[str, Any]:
    info, listed = output.find("volInfo"), output.find("volInfo/volumes")
    volumes = [_volume(each) for each in output.iterfind("volInfo/volumes/volume")]
    return {
        "XMLName": _name(info),
        "Volumes": {
            "XMLName": _name(listed),
            "Count": _number(output, "volInfo/volumes/count"),
            "VolumeList": volumes or None,
        },
    }


def _volume(element: ET.Element) -> dict[str, Any]:
    bricks = [_brick(each) for each in element.iterfind("bricks/brick")]
    options = [
        {"Name": each.findtext("name", ""), "Value": each.findtext("value", "")}
        for each in element.iterfind("options/option")
    ]
    return {
        "XMLName": _name(element),
        "VolumeName": element.findtext("name", ""),
        "ID": element.findtext("id", ""),
        "Status": _number(element, "status"),
        "StatusStr": element.findtext("statusStr", ""),
        **{name: _number(element, name[0].lower() + name[1:]) for name in _COUNTS},
        "TypeStr": element.findtext("typeStr", ""),
        "Transport": _number(element, "transport"),
        "Bricks": {"XMLName": _name(element.find("bricks")), "BrickList": bricks or None},
        "OptCount": _number(element, "optCount"),
        "Options": {"XMLName": _name(element.find("options")), "OptionList": options or None},
    }


def _brick(element: ET.Element) -> dict[str, Any]:
    return {
        "UUID": element.get("uuid", ""),
        "Name": element.findtext("name", ""),
        "HostUUID": element.findtext("hostUuid", ""),
        "IsArbiter": _number(element, "isArbiter"),
    }


def _number(element: ET.Element, path: str) -> int:
    text = element.findtext(path, "0").strip()
    return int(text) if text.lstrip("-").isdigit() else 0
