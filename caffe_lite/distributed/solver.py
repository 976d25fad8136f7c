"""The solver of one rank among several."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from caffe_lite import schema
from caffe_lite.distributed.mpi import World
from caffe_lite.distributed.reducer import Reducer
from caffe_lite.distributed.sameness import check_same, description
from caffe_lite.distributed.snapshots import FirstSnapshots, OtherSnapshots, spread_state
from caffe_lite.rng import Rng
from caffe_lite.solvers import Action, Solver
from caffe_lite.solvers.snapshots import Snapshots

log = logging.getLogger(__name__)
URGENCY = (Action.LEAVE, Action.SNAPSHOT, Action.STOP)
ECHO = 1.0  # seconds in which another wish for a snapshot is the same signal, come later to another rank
TESTING = ("test_iter", "test_net", "test_net_param", "test_state")


class RankSolver(Solver):
    """Trains one net together with the other ranks.

    In every iteration gradients are replaced by their means over the ranks before they are clipped and used, and so are
    the losses in the log. What anybody asks of one rank (``action``) is done by all after the same iteration. The first
    rank tests and writes snapshots; meanwhile the others wait, so that a snapshot that is asked for in a test has the
    places of all ranks in their data.

    Args:
        param: the ``SolverParameter``.
        named_by: the file it was read from.
        world: the ranks.
        average_batch_norm: replace what BatchNorm layers store by its means over the ranks too.

    Raises:
        CaffeError: as ``Solver``.
    """

    def __init__(self, param: Any, named_by: str | os.PathLike[str] | None, world: World,
                 average_batch_norm: bool = False) -> None:
        self.world, self._average_batch_norm = world, average_batch_norm
        self._testing, self._snapshot_time = False, 0.0
        self._agreed: set[Action] = set()
        own = schema.SolverParameter()
        own.CopyFrom(param)
        for field in (*TESTING, "weights") if world.rank else ():
            own.ClearField(field)
        super().__init__(own, named_by)
        self._reducer = Reducer(self.net, world, param.iter_size, average_batch_norm)
        self.on_start.append(self._reducer.begin)
        self.net.after_param_diffs.append(self._reducer.after_param_diffs)
        self.on_gradients_ready.append(self._reducer.finish)

    def join(self, param: Any, seed: int) -> None:
        """Begin as all others do: with the weights of the first rank, but random numbers of its own.

        Args:
            param: the solver as it was read.
            seed: what the nets were made with.

        Raises:
            RanksError: on the first rank, when another one has another solver or net.
            Ended: on the others then.
        """
        world, mine = self.world, description(param, self.net, self._average_batch_norm)
        first = world.from_first(lambda: mine)
        self.world.all_or_none(lambda: check_same(mine, first))
        spread_state(self, world)
        if world.rank:
            self.rng.setstate(Rng(seed + world.rank).getstate())
        for layer, tops in zip(self.net.layers, self.net.tops, strict=True):
            if layer.type.endswith("Data") and tops and tops[0].shape:
                batch, times = tops[0].shape[0], f" times iter_size {param.iter_size}" if param.iter_size > 1 else ""
                log.info("Layer '%s': %d ranks times a batch of %d%s: an effective batch of %d", layer.name, world.size,
                         batch, times, world.size * batch * param.iter_size)

    def make_snapshots(self, named_by: str | os.PathLike[str] | None) -> Snapshots:
        if self.world.rank:
            return OtherSnapshots(self.world)
        return FirstSnapshots(self.param, named_by, self.world, lambda: self._testing)

    # -- what is asked for -----------------------------------------------------------------------------

    @property
    def action(self) -> Callable[[], Action]:
        """What all have agreed on; what is set is asked on this rank."""
        return self._next_action

    @action.setter
    def action(self, ask: Callable[[], Action]) -> None:
        self._ask = ask

    def _next_action(self) -> Action:
        if self._testing:  # the first rank alone; the others do as it tells them
            self._agreed |= _actions(self._wishes())
        for action in URGENCY:
            if action in self._agreed:
                self._agreed.discard(action)
                return action
        return Action.NONE

    def _wishes(self) -> int:
        """What this rank is asked for, a bit for each action; for the first one also what waiting ranks are."""
        wishes = 0 if self.world.rank else self.world.wishes()
        while (asked := self._ask()) is not Action.NONE:
            wishes |= 1 << asked.value
        echo = 1 << Action.SNAPSHOT.value if time.monotonic() - self._snapshot_time < ECHO else 0
        return wishes & ~echo

    def snapshot(self) -> str:
        state = super().snapshot()
        self._snapshot_time = time.monotonic()
        return state

    def pooled(self, values: Sequence[float]) -> Sequence[float]:
        """The means over all ranks. All ask at the same time, and so agree on what to do after the iteration."""
        wishes, means = self.world.means(self._wishes(), values)
        self._agreed |= _actions(wishes)
        return means

    # -- testing ---------------------------------------------------------------------------------------

    def test_all(self) -> None:
        if self.world.rank:
            self._await_tests()
            return
        self._testing = True
        super().test_all()
        self._testing = False
        end = Action.LEAVE if self.leaving else Action.STOP if self.stopped else Action.NONE
        self.world.order(end.value)

    def _await_tests(self) -> None:
        with self._not_training():
            while (order := Action(self.world.await_order(self._wishes))) is Action.SNAPSHOT:
                self._try_snapshot()
            if order is not Action.NONE:
                self._stop(order)


def _actions(wishes: int) -> set[Action]:
    return {action for action in URGENCY if wishes >> action.value & 1}
