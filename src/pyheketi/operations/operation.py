"""Plans and operation records."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self, TypeAlias

from pyheketi.domain.change import Change
from pyheketi.domain.ids import OperationId
from pyheketi.operations.steps import Outcome, Step

StepGroup: TypeAlias = tuple[Step, ...]
"""Steps that may run at the same time; groups run one after the other."""

Outcomes: TypeAlias = Mapping[Step, Outcome]
"""What steps that are done reported."""


class Kind(IntEnum):
    """What an operation does. The numbers are stored: Heketi's own below 100 (db.md), never change one."""

    CREATE_VOLUME = 1
    DELETE_VOLUME = 2
    EXPAND_VOLUME = 3
    CREATE_BLOCK_VOLUME = 4
    DELETE_BLOCK_VOLUME = 5
    REMOVE_DEVICE = 6
    CLONE_VOLUME = 7
    EVICT_BRICK = 8
    EXPAND_BLOCK_VOLUME = 9
    ADD_NODE = 101
    DELETE_NODE = 102
    SET_NODE_STATE = 103
    ADD_DEVICE = 104
    DELETE_DEVICE = 105
    SET_DEVICE_STATE = 106
    RESYNC_DEVICE = 107
    REMOVE_NODE = 108
    CLEAN_UP = 109
    SET_BLOCK_RESTRICTION = 110
    REMOVE_ORPHANS = 111
    CREATE_CLUSTER = 112
    SET_CLUSTER_FLAGS = 113
    DELETE_CLUSTER = 114
    SET_NODE_TAGS = 115
    SET_DEVICE_TAGS = 116
    SET_MODE = 117
    MEND_BRICKS = 118

    @property
    def label(self) -> str:
        """Words for the log."""
        return self.name.replace("_", " ").capitalize()

    @property
    def type_name(self) -> str:
        """Word for clients (rest-api.md §7.8)."""
        return self.name.lower().replace("_", "-")


class OperationState(StrEnum):
    """Where an operation stands. ``TRANSITIONS`` tells the ways between."""

    PLANNED = "planned"
    """Committed; no node may have been touched yet, or it may: only the running server knows."""
    RUNNING = "running"
    """Steps are being done."""
    UNDOING = "undoing"
    """Steps are being undone."""
    STUCK = "stuck"
    """It can go neither on nor back now, because of a node; tried again later."""
    DONE = "done"
    """All steps are done and the result is committed."""
    ABANDONED = "abandoned"
    """All steps are undone, nothing is left of it but the error."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self in (OperationState.DONE, OperationState.ABANDONED)


TRANSITIONS: Mapping[OperationState, frozenset[OperationState]] = {
    OperationState.PLANNED: frozenset({OperationState.RUNNING}),
    OperationState.RUNNING: frozenset({OperationState.DONE, OperationState.UNDOING, OperationState.STUCK}),
    OperationState.UNDOING: frozenset(
        {OperationState.ABANDONED, OperationState.STUCK, OperationState.RUNNING, OperationState.PLANNED}
    ),
    OperationState.STUCK: frozenset({OperationState.RUNNING, OperationState.UNDOING}),
    OperationState.DONE: frozenset(),
    OperationState.ABANDONED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an operation will do: decided on values, before anything happens."""

    kind: Kind
    subject: str
    """Id of the object it is about."""
    begin: tuple[Change, ...] = ()
    """Committed before any node is touched."""
    groups: tuple[StepGroup, ...] = ()
    result: str = ""
    """Path of what the job points to when done, ``/volumes/{id}``; empty for nothing."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(step for group in self.groups for step in group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wished for an operation."""

    role: str = ""
    """``admin`` or ``user``, as the token said; empty if nobody has to show one, or if the server itself wished."""
    address: str = ""
    """Of the client's end of the connection; empty if the server itself wished."""


NOBODY = Asker()
"""The server itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A durable unit of work. Stored when it is begun and when it has ended."""

    id: OperationId
    kind: Kind
    subject: str
    state: OperationState
    groups: tuple[StepGroup, ...] = ()
    result: str = ""
    error: str = ""
    """Why it did not succeed; empty while it may, or when it did."""
    created_at: float
    """Seconds since the epoch."""
    updated_at: float
    """Seconds since the epoch; of the end, once finished."""
    asker: Asker = NOBODY

    @classmethod
    def of(cls, plan: Plan, id_: OperationId, *, now: float, asker: Asker = NOBODY) -> Self:
        """Return the operation that a plan begins, at ``now`` seconds since the epoch."""
        return cls(
            id=id_,
            kind=plan.kind,
            subject=plan.subject,
            state=OperationState.PLANNED,
            groups=plan.groups,
            result=plan.result,
            created_at=now,
            updated_at=now,
            asker=asker,
        )

    @property
    def refused(self) -> bool:
        """Whether it was abandoned the moment it was wished for: nothing of it was ever begun."""
        return self.state is OperationState.ABANDONED and self.updated_at == self.created_at

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(step for group in self.groups for step in group)
