"""Learn from gluster which bricks make a set, where that is only guessed (databases taken over from Heketi)."""

import asyncio
import logging

from pyheketi.control_plane.work import Work
from pyheketi.domain import errors
from pyheketi.domain.ids import VolumeId
from pyheketi.engine.runner import Performs
from pyheketi.operations import steps
from pyheketi.planning import brick_order

_log = logging.getLogger(__name__)

_LEARN_EVERY, _LEARN_SELDOM = 10.0, 3600.0
"""Seconds between two looks for brick sets that no node could tell: soon at first, later seldom."""


class BrickSets:
    """Asks gluster for the brick sets of volumes."""

    def __init__(self, work: Work, performer: Performs) -> None:
        self._work, self._performer = work, performer

    async def learn(self, id_: VolumeId) -> None:
        """Learn the sets of a volume, if they are guessed.

        Raises:
            Conflict: gluster has other bricks than we know of.
            NodeError: no node could tell.
            ShuttingDown: the server takes no more work.
        """
        volume = self._work.tip.volume(id_)
        if volume is None or not volume.sets_guessed:
            return
        told = await self._performer.do(brick_order.look(self._work.tip, volume, self._work.avoid), sure=True)
        volume = self._work.tip.volume(id_)
        if volume and volume.sets_guessed and isinstance(told, steps.VolumeBricks):
            await self._work.commit([brick_order.learned(self._work.tip, volume, told)])

    async def learn_all(self) -> None:
        """Learn the sets of all volumes where they are guessed, again and again until all are known."""
        pause = _LEARN_EVERY
        while guessed := [volume for volume in self._work.tip.volumes() if volume.sets_guessed]:
            for volume in guessed:
                try:
                    await self.learn(volume.id)
                except errors.Error as error:
                    _log.warning("The brick sets of volume %s are not known yet: %s", volume.id, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LEARN_SELDOM)
