"""Lyapunov exponents of a discrete step, and the dimension of the attractor that follows from them."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geodl.core.progress import progress
from geodl.dynamics.chaos.tangent import jacobian
from geodl.errors import DivergedError, OptionError

_ENTRIES = 2**19  # of the Jacobians that are held at a time


@dataclasses.dataclass(frozen=True)
class LyapunovSpectrum:
    """Leading Lyapunov exponents, per unit of time.

    Attributes:
        exponents: mean over members, from the fastest growth to the fastest decay.
        standard_error: of that mean, from the scatter between members; NaN for a single member.
        running: the estimate after every interval between two orthonormalisations.
        times: the time after the warm-up that each running estimate has seen.
        size: number of state variables, and of exponents that there are.
    """

    exponents: Float[np.ndarray, "exponent"]
    standard_error: Float[np.ndarray, "exponent"]
    running: Float[np.ndarray, "interval exponent"]
    times: Float[np.ndarray, "interval"]
    size: int

    @property
    def sum(self) -> float:
        """Sum of the exponents: of all of them, the mean rate at which volumes in state space grow."""
        return float(self.exponents.sum())

    @property
    def kaplan_yorke(self) -> float:
        """Kaplan-Yorke dimension, dimensionless; NaN if it takes more exponents than were computed."""
        short = len(self.exponents) < self.size and self.exponents.cumsum().min() >= 0
        return np.nan if short else kaplan_yorke_dimension(self.exponents)


def kaplan_yorke_dimension(exponents: Float[np.ndarray, "exponent"]) -> float:
    """j + Σ_{i<=j} λ_i / |λ_{j+1}|, where j is the largest number of leading exponents with a sum of at least zero.

    Args:
        exponents: the whole spectrum in any order and any unit of rate.
    Source: Kaplan & Yorke 1979, Lecture Notes in Mathematics 730, 204.
    """
    ordered = np.sort(exponents)[::-1]
    sums = ordered.cumsum()
    if sums[-1] >= 0:
        return float(len(ordered))
    j = int(np.argmax(sums < 0))  # sums of a falling sequence cross zero once
    return j + float(sums[j - 1] / -ordered[j]) if j else 0.0


def orbit(
    step: Callable[[Tensor], Tensor], state: Float[Tensor, "*batch n"], steps: int, *, show: bool = False
) -> Float[Tensor, "time *batch n"]:
    """States after 0, 1, …, ``steps`` steps.

    Args:
        step: from states to states ``[*batch n]``.
        state: first states.
        steps: how many.
        show: draw a progress bar.
    """
    path = [state]
    with progress("forecasting", steps, show=show) as advance:
        for k in range(steps):
            path.append(step(path[-1]))
            advance(k + 1)
    return torch.stack(path)


def lyapunov_spectrum(
    step: Callable[[Tensor], Tensor],
    state: Float[Tensor, "member n"],
    dt: float,
    *,
    steps: int,
    warm_up: int = 0,
    every: int | None = None,
    exponents: int | None = None,
    seed: int = 0,
) -> LyapunovSpectrum:
    """Exponents of the step itself, integrator and all, by orthonormalised tangent vectors.

    The path is run first, a chunk at a time; the Jacobians of all its steps and members are one batch.

    Args:
        step: from states to states ``[row n]`` one dt later, each row by itself, with the derivative of what it
            computes: not with a continuous adjoint.
        state: starts, best on the attractor; more members cost little and give the standard error.
        dt: time of one step.
        steps: steps of every member that count. The error falls as one over the square root of the time of a long run;
            many short runs are worse, by the directions in which each begins and ends.
        warm_up: steps before, while the state finds the attractor and the vectors find their directions: 10 to 50
            Lyapunov times.
        every: steps from one orthonormalisation to the next; by default 0.1 units of time, or one step if that is
            longer. The vectors must not become parallel meanwhile; steps beyond whole intervals are left out.
        exponents: how many of the leading ones; by default all.
        seed: of the first tangent vectors.
    Raises:
        OptionError: a number out of its range, tangent vectors that became parallel, or a step without derivative.
        DivergedError: the state or its tangents left the finite numbers.
    Source: Benettin et al. 1980, Meccanica 15, 9 and 21; Shimada & Nagashima 1979, Prog. Theor. Phys. 61, 1605.
    """
    size = state.shape[-1]
    count = size if exponents is None else exponents
    every = _usual_interval(dt, steps) if every is None else every
    _check(dt, every, steps, warm_up, count, size)
    intervals, dropped = steps // every, -(-warm_up // every)
    growth = _growth(step, state.detach(), every, intervals + dropped, _orthonormal(state, count, seed))
    rates = torch.cat(list(growth))[dropped:].double().cpu().numpy()
    times = every * dt * np.arange(1, intervals + 1)
    running = rates.cumsum(0) / times[:, None, None]
    error = running[-1].std(0, ddof=1) / np.sqrt(len(state)) if len(state) > 1 else np.full(count, np.nan)
    return LyapunovSpectrum(running[-1].mean(0), error, running.mean(1), times, size)


def _usual_interval(dt: float, steps: int) -> int:
    return max(1, min(steps, int(0.1 / dt + 1e-9))) if dt > 0 else 1


def _check(dt: float, every: int, steps: int, warm_up: int, count: int, size: int) -> None:
    if not (0 < dt < np.inf and 1 <= every <= steps and warm_up >= 0 and 1 <= count <= size):
        raise OptionError(
            f"dt > 0, 1 <= every <= steps, warm_up >= 0 and 1 to {size} exponents are needed, got dt={dt}, "
            f"every={every}, steps={steps}, warm_up={warm_up}, exponents={count}"
        )


def _orthonormal(state: Tensor, count: int, seed: int) -> Tensor:
    """Random orthonormal columns ``[member n count]``: the same for a seed on every device, and for every count."""
    members, size = state.shape
    random = torch.randn(members, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.linalg.qr(random)[0][..., :count].to(state)


@torch.no_grad()
def _growth(
    step: Callable[[Tensor], Tensor], state: Tensor, every: int, intervals: int, vectors: Tensor
) -> Iterator[Tensor]:
    """ln|R_ii| of every interval, in chunks ``[interval member exponent]``."""
    chunk = max(1, _ENTRIES // (state.numel() * state.shape[-1] * every))
    with progress("Lyapunov exponents", intervals) as advance:
        for done in range(0, intervals, chunk):
            path = orbit(step, state, every * min(chunk, intervals - done))
            state, jacobians = path[-1], jacobian(step, path[:-1])
            logs = []
            for interval in jacobians.split(every):
                for matrix in interval:
                    vectors = matrix @ vectors
                vectors, triangle = torch.linalg.qr(vectors)
                logs.append(triangle.diagonal(dim1=-2, dim2=-1).abs())
            yield _logarithms(torch.stack(logs), every, done * every)
            advance(min(done + chunk, intervals))


def _logarithms(lengths: Tensor, every: int, done: int) -> Tensor:
    """Logarithms of the lengths of the tangent vectors, if they can be trusted."""
    if not bool(lengths.isfinite().all()):
        raise DivergedError(f"the state or its tangents left the finite numbers after step {done}: take other starts")
    if every > 1 and bool((lengths.amin(-1) < 100 * torch.finfo(lengths.dtype).eps * lengths.amax(-1)).any()):
        raise OptionError(f"tangent vectors became parallel within {every} steps: take a smaller `every`")
    return lengths.log()
