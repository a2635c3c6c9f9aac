"""What steps do, in words, and where."""

from typing import assert_never

from pyheketi.operations import steps
from pyheketi.operations.steps import Step


def words(step: Step) -> str:  # one line for each kind of step  # noqa: C901
    """Return what a step does."""
    match step:
        case steps.CreateBrick():
            return f"make brick {step.place.brick} in volume group {step.place.volume_group}"
        case steps.DestroyBrick():
            return f"destroy brick {step.place.brick} in volume group {step.place.volume_group}"
        case steps.CheckUnused():
            return f"make sure that gluster does not use brick {step.place.brick}"
        case steps.MountBrick():
            return f"mount brick {step.place.brick}"
        case steps.CreateVolume():
            return f"create and start volume {step.name}"
        case steps.StartBricks():
            return f"start {len(step.bricks)} bricks of volume {step.name}"
        case steps.DeleteVolume():
            return f"stop and delete volume {step.name}"
        case steps.AddBricks():
            return f"add {sum(map(len, step.brick_sets))} bricks to volume {step.name}"
        case steps.LookAtVolume():
            return f"ask gluster for the bricks of volume {step.name}"
        case steps.CheckReplaceable():
            return f"make sure that volume {step.name} can do without brick {step.brick}"
        case steps.ReplaceBrick():
            return f"replace brick {step.old} of volume {step.name} by {step.new}"
        case steps.HealVolume():
            return f"ask gluster to fill new bricks of volume {step.name}"
        case steps.CloneVolume():
            return f"clone volume {step.source} as {step.name}"
        case steps.CreateBlock():
            return f"make block volume {step.name} on volume {step.hosting}"
        case steps.DeleteBlock():
            return f"delete block volume {step.name} on volume {step.hosting}"
        case steps.ExpandBlock():
            return f"make block volume {step.name} on volume {step.hosting} {step.size_gib} GiB large"
        case steps.CheckGlusterd():
            return "make sure that glusterd runs"
        case steps.ProbePeer():
            return f"take {step.storage_host} into the pool"
        case steps.DetachPeer():
            return f"take {step.storage_host} out of the pool"
        case steps.SetUpDevice():
            return f"make {step.device.name} volume group {step.device.volume_group}"
        case steps.TearDownDevice():
            return f"remove volume group {step.device.volume_group} from {step.device.name}"
        case steps.InspectDevice():
            return f"read the size of {step.device.name}"
        case _:
            assert_never(step)


def hosts(step: Step) -> tuple[str, ...]:
    """Return the management names of the nodes where a step is done: all that may do it, if one of several does."""
    match step:
        case steps.CreateBrick() | steps.DestroyBrick() | steps.CheckUnused() | steps.MountBrick():
            return (step.place.host,)
        case steps.SetUpDevice() | steps.TearDownDevice() | steps.InspectDevice():
            return (step.device.host,)
        case steps.CheckGlusterd():
            return (step.host,)
        case _:
            return step.hosts
