"""Which container of a pod, and how the end of a program is told."""

import json

import pytest

from pyheketi.kubernetes.pods import NoPod, Pod, container_of, label_value
from pyheketi.kubernetes.streams import Ending, ending_of


@pytest.mark.parametrize(
    ("containers", "annotation", "wanted", "expected"),
    [
        (("one",), "", "", "one"),
        (("one", "two"), "", "", "one"),
        (("one", "glusterfs"), "", "", "glusterfs"),
        (("one", "glusterfs", "two"), "two", "", "two"),
        (("one", "two"), "gone", "", "one"),
        (("one", "glusterfs", "two"), "glusterfs", "two", "two"),
    ],
)
def test_the_container_of_gluster(containers: tuple[str, ...], annotation: str, wanted: str, expected: str) -> None:
    pod = Pod(name="p", namespace="n", containers=containers, default_container=annotation)
    assert container_of(pod, wanted) == expected


def test_a_pod_without_containers() -> None:
    with pytest.raises(NoPod, match="Pod p has no containers"):
        container_of(Pod(name="p", namespace="n"))


@pytest.mark.parametrize("host", ["", "a b", "a,b", "-a", "a=b", "x" * 64, "a\n"])
def test_what_no_label_can_be(host: str) -> None:
    with pytest.raises(NoPod):
        label_value(host)


@pytest.mark.parametrize("host", ["a", "10.0.0.1", "node-1.example.com", "x" * 63])
def test_what_a_label_can_be(host: str) -> None:
    assert label_value(host) == host


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"metadata": {}, "status": "Success"}, Ending(0)),
        (
            {
                "status": "Failure",
                "message": "command terminated with non-zero exit code",
                "reason": "NonZeroExitCode",
                "details": {"causes": [{"reason": "Other"}, {"reason": "ExitCode", "message": "137"}]},
            },
            Ending(137, "command terminated with non-zero exit code"),
        ),
        ({"status": "Failure", "reason": "InternalError", "message": "no"}, Ending(1, "no")),
        ({"status": "Failure", "details": {}}, Ending(1)),
        ({"status": "Failure", "details": None}, Ending(1, '{"status": "Failure", "details": null}')),
        ([], Ending(1, "[]")),
    ],
)
def test_how_a_program_ended(document: object, expected: Ending) -> None:
    assert ending_of(json.dumps(document).encode()) == expected


def test_an_ending_that_is_no_document() -> None:
    assert ending_of(b"connection reset") == Ending(1, "connection reset")
