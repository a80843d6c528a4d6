"""What a learned Lorenz-63 does in the long run: its Lyapunov spectrum, its marginals, and whether it stays."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from geodl.core.progress import progress
from geodl.core.surrogate import Surrogate
from geodl.dynamics.chaos.lyapunov import lyapunov_spectrum
from geodl.dynamics.chaos.statistics import wasserstein1
from geodl.dynamics.ode.solve import odeint
from geodl.dynamics.reference import attractor_starts
from geodl.dynamics.taylor import taylor_trajectory

MEMBERS, TIME, WARM_UP = 8, 500.0, 20.0  # of the spectrum, in units of time
RUNS, STEPS, EVERY = 1000, 100_000, 100  # of the long run: data intervals, and those between two that are kept
BOUND = 10.0  # standard deviations within which a member must stay


@dataclasses.dataclass(frozen=True)
class Interval:
    """A learned state one data interval later, all scaled, by plain operations; and what scales it."""

    field: nn.Module
    choice: Mapping[str, Any]
    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, surrogate: Surrogate) -> "Interval":
        network = surrogate.core.network
        scalings = surrogate.core.scalings[: len(surrogate.family.schema.inputs)]
        mean, std = (torch.stack([s.get_buffer(name).double() for s in scalings]) for name in ("mean", "std"))
        return cls(network.get_submodule("field"), network.choice, mean, std)  # type: ignore[arg-type]

    def start(self, members: int, seed: int) -> Float[Tensor, "member 3"]:
        """Scaled states on the attractor of the truth."""
        return (torch.from_numpy(attractor_starts(members, seed)) - self.mean) / self.std

    def __call__(self, state: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
        choice = {**self.choice, "adjoint": "autograd", "engine": "eager"}
        return odeint(self.field, state, state.new_tensor([0.0, 1.0]), **choice)[-1]

    def later(self, state: Float[Tensor, "*batch 3"], intervals: int) -> Float[Tensor, "*batch 3"]:
        """After many intervals, without gradients, by the engine that the surrogate has."""
        choice = {**self.choice, "substeps": self.choice["substeps"] * intervals}
        return odeint(self.field, state, state.new_tensor([0.0, intervals]), **choice)[-1]


def climate_case(surrogate: Surrogate, quick: bool = False) -> dict[str, float]:
    """Exponents per unit of time, Kaplan-Yorke dimension, W1 in standard deviations, share of members that stay."""
    divisor, dt, interval = (100 if quick else 1), surrogate.family.options["dt"], Interval.of(surrogate)
    steps, warm_up = (round(time / dt) // divisor for time in (TIME, WARM_UP))
    found = lyapunov_spectrum(interval, interval.start(MEMBERS, 11), dt, steps=steps, warm_up=warm_up)
    scores = {f"exponent {i + 1}": float(value) for i, value in enumerate(found.exponents)}
    scores |= {"standard error": float(found.standard_error[0]), "dimension": found.kaplan_yorke}
    return scores | long_run(interval, RUNS // divisor, STEPS // divisor)


@torch.no_grad()
def long_run(interval: Interval, members: int, steps: int) -> dict[str, float]:
    """Share of members within ``BOUND`` standard deviations at all times kept, and W1 of their marginals."""
    state = interval.start(members, 12)
    stays, kept = torch.ones(members, dtype=torch.bool), [state]
    with progress("long run", steps // EVERY) as advance:
        for k in range(steps // EVERY):
            later = interval.later(state, EVERY)
            stays &= (later.abs() < BOUND).all(-1)  # NaN is not
            state = torch.where(stays[:, None], later, state)  # who left stands still, and the batch goes on
            kept.append(state)
            advance(k + 1)
    path = torch.stack(kept)[len(kept) // 10 :, stays] * interval.std + interval.mean
    distance = wasserstein1(path[::5].reshape(-1, 3).numpy(), _climate()) if bool(stays.any()) else np.full(3, np.nan)
    return {"stays": float(stays.double().mean()), "w1": float(distance.max())}


def _climate() -> np.ndarray:
    """States of the true attractor, of runs of their own."""
    path = taylor_trajectory(attractor_starts(200, 13), 1.0, 100, substep=0.02, dtype=np.float64)
    return np.asarray(path.reshape(-1, 3))
