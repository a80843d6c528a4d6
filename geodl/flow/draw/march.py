"""The reference solver on a drawing, step by step, so that it can be watched and stopped."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float
from torch import Tensor

from geodl.errors import StabilityError
from geodl.flow.draw.flow import Flow
from geodl.flow.geometry.grid import Grid
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

State = tuple[float, Flow]
Marching = Callable[[Tensor, Grid, float, float], Iterator[State]]

LATTICE_SPEED = 0.08
STEADY = 1e-4  # relative change of velocity while the flow passes one body height
LONGEST = 400  # body heights that the flow passes at most


def march(signed_distance: Float[Tensor, "y x"], grid: Grid, height: float, reynolds: float) -> Iterator[State]:
    """Share of the way to the steady flow, and the flow so far, each time that it has passed one body height.

    Args:
        height: of the body across the flow in m, the length of the Reynolds number.

    Raises:
        StabilityError: the flow diverges.
        GeodlError: what the solver refuses.
    """
    solver = LatticeBoltzmann(
        signed_distance[None], grid, reynolds=reynolds, length=height, lattice_speed=LATTICE_SPEED
    )
    steps = max(1, round(height / grid.spacing / LATTICE_SPEED))
    before, share = None, 0.0
    for _ in range(LONGEST):
        solver.advance(steps)
        flow = _flow(solver)
        if not math.isfinite(flow.drag):
            raise StabilityError(
                f"the flow diverged at Re {reynolds:g}: a smoother drawing or a lower Re may be stable"
            )
        if before is not None:
            change = _change(before, flow)
            share = max(share, min(1.0, math.log(max(change, STEADY)) / math.log(STEADY)))
        before = flow
        yield share, flow
        if share == 1.0:
            return


def _flow(solver: LatticeBoltzmann) -> Flow:
    u, v, p = (field[0].double().cpu().numpy() for field in solver.fields())
    drag, lift = (float(force[0]) for force in solver.forces())
    return Flow(u, v, p, drag, lift)


def _change(before: Flow, now: Flow) -> float:
    return before.distance(now, np.ones(now.u.shape, bool))
