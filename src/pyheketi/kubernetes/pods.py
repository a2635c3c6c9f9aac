"""Pods, and which one and which container of it is meant (executors.md §12)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LABEL = "glusterfs-node"
"""Key of the label of GlusterFS pods; its value is a node's management name, unless a daemon set makes the pods."""

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
"""Annotation of a pod with several containers that names the one commands are meant for."""

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


class NoPod(LookupError):
    """Not exactly one pod, or no container of it, is the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod, as far as it matters here."""

    name: str
    namespace: str
    phase: str = "Running"
    leaving: bool = False
    """Whether it is being deleted."""
    containers: tuple[str, ...] = ()
    default_container: str = ""
    """As the annotation says."""

    @property
    def serves(self) -> bool:
        """Whether commands can run in it."""
        return self.phase == "Running" and not self.leaving

    def __str__(self) -> str:
        state = "" if self.serves else f" ({'being deleted' if self.leaving else self.phase})"
        return f"{self.name}{state}"


def label_value(host: str) -> str:
    """Return a host name as part of a label selector. Raises ``NoPod`` if no label can have that value."""
    if not _LABEL_VALUE.fullmatch(host):
        raise NoPod(f"'{host}' cannot be the value of a label: 63 letters, digits, '.', '-' and '_' at most")
    return host


def the_one(pods: Sequence[Pod], none: str, sharing: str) -> Pod:
    """Return the only pod that serves.

    Args:
        pods: what was found.
        none: what to say when that is nothing.
        sharing: what several have in common.

    Raises:
        NoPod: none, or several.
    """
    serving = [pod for pod in pods if pod.serves]
    if len(serving) == 1:
        return serving[0]
    names = ", ".join(sorted(map(str, serving or pods)))
    if serving:
        raise NoPod(f"Found {len(serving)} pods sharing {sharing}: {names}. Only one of them can be the node.")
    if pods:
        raise NoPod(f"No pod of those with {sharing} is running: {names}. Look at it with kubectl describe pod.")
    raise NoPod(none)


def container_of(pod: Pod, wanted: str = "") -> str:
    """Return the container that gluster runs in: the one wanted, or told by the annotation, ``glusterfs``, the first.

    Raises:
        NoPod: it has no such container.
    """
    if wanted and wanted not in pod.containers:
        names = ", ".join(pod.containers)
        raise NoPod(f"Pod {pod.name} has no container {wanted}, only {names}: correct container in kubeexec.")
    for name in (wanted, pod.default_container, "glusterfs", *pod.containers):
        if name in pod.containers:
            return name
    raise NoPod(f"Pod {pod.name} has no containers.")
