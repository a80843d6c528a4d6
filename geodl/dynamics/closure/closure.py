"""Closures of the two-scale Lorenz-96 system: what the slow sites would feel of fast variables that are left out."""

import dataclasses
import math
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geodl.core.contract import Tensors, mean_squared_error
from geodl.core.mlp import mlp
from geodl.dynamics.hybrid import HybridField, KnownField
from geodl.dynamics.lorenz96 import FORCING, lorenz96
from geodl.dynamics.neural_ode import trajectory
from geodl.errors import SchemaError
from geodl.train.baselines import least_squares
from geodl.train.config import FitConfig
from geodl.train.loop import Run, train

OFFLINE = FitConfig(epochs=30, learning_rate=3e-3, batch_size=256, threads=1)
ONLINE = FitConfig(epochs=3, learning_rate=1e-3, batch_size=64, threads=1)
HELD_OUT = 0.1  # share of the training samples that chooses the weights


class WilksClosure(nn.Module):
    """A polynomial of the slow variable at the same site, U(X_k) = Σ a_i X_k^i; untouched it is no closure at all.

    Source: Wilks 2005, Q. J. R. Meteorol. Soc. 131, 389, who takes degree 4.
    """

    def __init__(self, degree: int = 4):
        super().__init__()
        self.register_buffer("coefficients", torch.zeros(degree + 1))

    coefficients: Tensor

    def fit(self, slow: Float[Tensor, "*sample site"], tendency: Float[Tensor, "*sample site"]) -> Self:
        """Take the least squares, in the dtype of the data."""
        powers = slow.reshape(-1, 1).double() ** torch.arange(len(self.coefficients), device=slow.device)
        self.coefficients = least_squares(powers, tendency.reshape(-1, 1)).squeeze(1)
        return self

    def forward(self, t: Tensor, slow: Float[Tensor, "*batch site"]) -> Float[Tensor, "*batch site"]:
        del t
        value = torch.zeros_like(slow)
        for coefficient in self.coefficients.flip(0):
            value = value * slow + coefficient
        return value


class LocalNetworkClosure(nn.Module):
    """One small network for all sites, which sees X_{k−reach}, …, X_{k+reach}: turning the ring commutes with it.

    Args:
        reach: sites seen on either side.
        width, depth: of the hidden layers.
    """

    def __init__(self, reach: int = 2, width: int = 32, depth: int = 2, activation: str = "tanh"):
        super().__init__()
        self.reach = reach
        self.network = mlp([2 * reach + 1, *[width] * depth, 1], activation)
        for name in ("slow_mean", "tendency_mean"):
            self.register_buffer(name, torch.zeros(()))
        for name in ("slow_std", "tendency_std"):
            self.register_buffer(name, torch.ones(()))

    slow_mean: Tensor
    slow_std: Tensor
    tendency_mean: Tensor
    tendency_std: Tensor

    def fit_scales(self, slow: Float[Tensor, "*sample site"], tendency: Float[Tensor, "*sample site"]) -> None:
        """Keep mean and standard deviation of what goes in and of what comes out, one of each for all sites."""
        for name, values in (("slow", slow), ("tendency", tendency)):
            self.get_buffer(f"{name}_mean").copy_(values.mean())
            self.get_buffer(f"{name}_std").copy_(values.std())

    def forward(self, t: Tensor, slow: Float[Tensor, "*batch site"]) -> Float[Tensor, "*batch site"]:
        """U, in the units of X per unit of time.

        Raises:
            SchemaError: the ring has fewer sites than the network sees.
        """
        del t
        if slow.shape[-1] <= 2 * self.reach:
            raise SchemaError(f"a ring of {slow.shape[-1]} sites, expected more than the {2 * self.reach + 1} seen")
        scaled = (slow - self.slow_mean) / self.slow_std
        ring = torch.cat([scaled[..., -self.reach :], scaled, scaled[..., : self.reach]], -1) if self.reach else scaled
        seen = torch.stack([ring[..., i : i + slow.shape[-1]] for i in range(2 * self.reach + 1)], -1)
        value: Tensor = self.tendency_mean + self.tendency_std * self.network(seen).squeeze(-1)
        return value


class ClosedLorenz96(nn.Module):
    """Slow sites now to slow sites at the next lead times, by the one-scale equations plus a closure.

    Args:
        closure: a field of the slow sites.
        leads: number of data intervals.
        dt: length of one, dimensionless.
        substeps: RK4 steps in each.
    """

    def __init__(self, closure: nn.Module, leads: int, *, dt: float, substeps: int = 1):
        super().__init__()
        self.field = HybridField(KnownField(lorenz96, forcing=FORCING), closure)
        self.leads, self.dt, self.substeps = leads, dt, substeps

    def forward(self, slow: Float[Tensor, "sample site"]) -> tuple[Float[Tensor, "sample lead site"]]:
        return (self.path(slow, self.leads)[1:].transpose(0, 1),)

    def path(self, slow: Float[Tensor, "*batch site"], steps: int, every: int = 1) -> Float[Tensor, "time *batch site"]:
        """States at 0, every dt, 2 every dt, … up to ``steps`` data intervals; a start that is no number gives NaN."""
        times = self.dt * every * torch.arange(steps // every + 1, dtype=slow.dtype, device=slow.device)
        return trajectory(self.field, slow, times, method="rk4", substeps=self.substeps * every)


class _Tendency(nn.Module):
    """A closure as a network of the training loop."""

    def __init__(self, closure: nn.Module):
        super().__init__()
        self.closure = closure

    def forward(self, slow: Tensor) -> Tensors:
        return (self.closure(slow.new_zeros(()), slow),)


def train_offline(
    closure: LocalNetworkClosure,
    slow: Float[Tensor, "sample site"],
    tendency: Float[Tensor, "sample site"],
    *,
    config: FitConfig = OFFLINE,
    seed: int = 0,
) -> None:
    """Regression on the subgrid tendency: the closure never meets the solver that it will be used in.

    Raises:
        DivergedError: the loss stopped being a number.
    """
    closure.fit_scales(slow, tendency)
    _train(_Tendency(closure), slow, tendency, config, seed)


def train_online(
    model: ClosedLorenz96,
    slow: Float[Tensor, "sample site"],
    path: Float[Tensor, "sample lead site"],
    *,
    config: FitConfig = ONLINE,
    seed: int = 0,
) -> None:
    """Mean squared error of the states at all leads of the model, with exact gradients through the solver.

    Raises:
        DivergedError: the loss stopped being a number.
    """
    _train(model, slow, path[:, : model.leads], config, seed)


def _train(network: nn.Module, inputs: Tensor, targets: Tensor, config: FitConfig, seed: int) -> None:
    kept = len(inputs) - max(1, int(HELD_OUT * len(inputs)))
    train_pair, valid_pair = ((inputs[:kept],), (targets[:kept],)), ((inputs[kept:],), (targets[kept:],))
    train(Run(network, mean_squared_error, train_pair, valid_pair, config, seed=seed))


@dataclasses.dataclass(frozen=True)
class AR1Noise:
    """What a closure misses as red noise of its own at each site: e(t+dt) = φ e(t) + σ √(1 − φ²) N(0, 1).

    Attributes:
        persistence: φ over one data interval, dimensionless.
        std: σ, in the units of the tendency.
    """

    persistence: float
    std: float

    @classmethod
    def of(cls, residual: Float[Tensor, "time *batch site"]) -> Self:
        """From the residuals of a closure at 0, dt, 2 dt, …

        Source: Wilks 2005, Q. J. R. Meteorol. Soc. 131, 389.
        """
        anomaly = residual - residual.mean()
        variance = anomaly.square().mean()
        return cls(float((anomaly[1:] * anomaly[:-1]).mean() / variance), float(variance.sqrt()))

    @torch.no_grad()
    def ensemble(
        self,
        model: ClosedLorenz96,
        slow: Float[Tensor, "start site"],
        steps: int,
        *,
        members: int,
        seed: int = 0,
    ) -> Float[Tensor, "time member start site"]:
        """States of all members at 0, dt, …, steps dt; the noise stands still over an interval. NaN after a blow-up."""
        generator = torch.Generator(slow.device).manual_seed(seed)
        state = slow.expand(members, *slow.shape)
        path, fresh = [state], math.sqrt(1 - self.persistence**2)

        def draw() -> Tensor:
            return self.std * torch.randn(state.shape, generator=generator, dtype=slow.dtype, device=slow.device)

        noise, times = draw(), slow.new_tensor([0.0, model.dt])
        for _ in range(steps):
            state = trajectory(_Forced(model.field, noise), state, times, method="rk4", substeps=model.substeps)[-1]
            noise = self.persistence * noise + fresh * draw()
            path.append(state)
        return torch.stack(path)


class _Forced(nn.Module):
    """A field with a constant added."""

    def __init__(self, field: nn.Module, forcing: Tensor):
        super().__init__()
        self.field, self.forcing = field, forcing

    def forward(self, t: Tensor, state: Tensor) -> Tensor:
        rate: Tensor = self.field(t, state) + self.forcing
        return rate
