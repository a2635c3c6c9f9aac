import json

import pytest

from pyheketi.commands import lvm, lvm_report
from pyheketi.commands.command import Result
from pyheketi.commands.lvm_report import GroupSize, LogicalVolume, PhysicalVolume


def test_pvs_and_vgs_tell_the_same() -> None:
    row = {"pv_name": "/dev/sdb", "pv_uuid": "U", "vg_name": "vg_d"}
    expected = (PhysicalVolume(name="/dev/sdb", uuid="U", volume_group="vg_d"),)
    for kind in ("pv", "vg"):
        assert lvm_report.parse_physical_volumes(json.dumps({"report": [{kind: [row]}]})) == expected


def test_lvs_with_the_log_that_newer_lvm_adds() -> None:
    text = """
      {
          "report": [
              {
                  "lv": [
                      {"lv_name":"brick_b", "vg_name":"vg_d", "pool_lv":"tp_b", "thin_count":""},
                      {"lv_name":"tp_b", "vg_name":"vg_d", "pool_lv":"", "thin_count":"1"}
                  ]
              }
          ]
          ,
          "log": [
          ]
      }
    """
    assert lvm_report.parse_logical_volumes(text) == (
        LogicalVolume(name="brick_b", volume_group="vg_d", pool="tp_b"),
        LogicalVolume(name="tp_b", volume_group="vg_d", thin_count=1),
    )


def test_an_empty_volume_group_has_no_logical_volumes() -> None:
    assert lvm_report.parse_logical_volumes('{"report": [{"lv": []}]}') == ()


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"report": 1}', '{"report": [[]]}', '{"report": [{"pv": [{"pv_name": "/dev/sdb"}]}]}'],
)
def test_nonsense_is_no_report(text: str) -> None:
    with pytest.raises(ValueError, match="not a report of LVM with pv_name, pv_uuid, vg_name"):
        lvm_report.parse_physical_volumes(text)


def test_a_thin_count_is_a_number() -> None:
    row = {"lv_name": "tp", "vg_name": "vg", "pool_lv": "", "thin_count": "many"}
    with pytest.raises(ValueError, match="many"):
        lvm_report.parse_logical_volumes(json.dumps({"report": [{"lv": [row]}]}))


def test_size_of_a_volume_group() -> None:
    line = "  vg_D:r/w:772:-1:0:0:0:-1:0:4:4:524156928:4096:127968:100:127868:UUID\n"
    size = lvm_report.parse_group_size(line)
    assert size == GroupSize(total=524156928, used=100 * 4096, extent=4096)


@pytest.mark.parametrize("line", ["", "x:y", ":".join(["a"] * 17)])
def test_no_size(line: str) -> None:
    with pytest.raises(ValueError, match=r"vgdisplay|invalid literal"):
        lvm_report.parse_group_size(line)


@pytest.mark.parametrize(
    ("status", "stderr", "lacks"),
    [
        (5, '  Volume group "vg_d" not found\n  Cannot process volume group vg_d\n', True),
        (5, '  Volume group "vg_other" not found\n', False),
        (127, "bash: /usr/sbin/lvm: command not found\n", False),
        (1, "sudo: /usr/sbin/lvm: command not found\n", False),
        (0, "", False),
    ],
)
def test_only_lvm_itself_says_that_a_volume_group_is_missing(status: int, stderr: str, *, lacks: bool) -> None:
    result = Result(lvm.logical_volumes_of("vg_d"), status, "", stderr)
    assert lvm_report.lacks_group(result, "vg_d") is lacks
