"""How exact gradients are: against extended precision, against autograd, and whatever the batch mates do."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from geodl.core.contract import Claim
from geodl.dynamics.chaos.forecast_skill import ground_truth_time
from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.lorenz63 import CLIMATE_STD, LYAPUNOV_TIME
from geodl.dynamics.ode.adaptive import Status
from geodl.dynamics.ode.checks import METHODS
from geodl.dynamics.ode.learned_runge_kutta import LearnedRungeKutta
from geodl.dynamics.ode.solve import integrate, odeint
from geodl.dynamics.ode.tableau import TABLEAUS
from geodl.dynamics.skill import lorenz63_truth
from geodl.dynamics.taylor import taylor_trajectory

START, PARAMETERS = (-7.5, -7.2, 26.1), (10.0, 28.0, 8 / 3)
INTERVALS, STEPS_PER_UNIT = (0.2, 0.5, 1.0, 2.0), 250
WEIGHTS = (1.0, -0.5, 0.25)


class Lorenz63(nn.Module):
    """With sigma, rho and beta to be learned."""

    def __init__(self) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(PARAMETERS, dtype=torch.float64))

    def forward(self, t: Tensor, u: Tensor) -> Tensor:
        (x, y, z), (sigma, rho, beta) = u.unbind(-1), self.values
        return torch.stack((sigma * (y - x), x * (rho - z) - y, x * y - beta * z), -1)


def extended_gradient(interval: float, steps: int) -> np.ndarray:
    """∂(w · u(T)) by the start and the parameters, of the 3/8 rule with given steps, by complex steps in 80 bits.

    A complex step has neither truncation nor cancellation: Squire & Trapp 1998, SIAM Review 40, 110.
    """
    values = np.array([*START, *PARAMETERS], np.clongdouble)
    values[-1] = np.longdouble(PARAMETERS[-1])  # the float64 number that the network has
    columns = np.repeat(values[:, None], 6, 1) + 1e-30j * np.eye(6, dtype=np.clongdouble)
    u, (sigma, rho, beta) = columns[:3], columns[3:]

    def rate(u: np.ndarray) -> np.ndarray:
        x, y, z = u
        return np.stack((sigma * (y - x), x * (rho - z) - y, x * y - beta * z))

    third, h = np.longdouble(1) / 3, np.longdouble(interval / steps)
    for _ in range(steps):
        k1 = rate(u)
        k2 = rate(u + h * third * k1)
        k3 = rate(u + h * (k2 - third * k1))
        k4 = rate(u + h * (k1 - k2 + k3))
        u = u + h / 8 * (k1 + 3 * k2 + 3 * k3 + k4)
    return np.asarray((np.array(WEIGHTS) @ (u.imag / np.longdouble(1e-30))), np.float64)


def gradient(interval: float, substeps: int, dtype: torch.dtype) -> np.ndarray:
    field, u0 = Lorenz63().to(dtype), torch.tensor([START], dtype=dtype, requires_grad=True)
    t = torch.tensor([0.0, interval], dtype=dtype)
    end = odeint(field, u0, t, method="rk4_38", substeps=substeps)[-1]
    found = torch.autograd.grad((end * torch.tensor(WEIGHTS, dtype=dtype)).sum(), (u0, field.values))
    return torch.cat([g.ravel() for g in found]).double().numpy()


def adjoint_gradient(interval: float, substeps: int, dtype: torch.dtype) -> np.ndarray:
    """torchdiffeq's adjoint over one interval: its fixed-step solver takes the same steps inside it, both ways."""
    import torchdiffeq

    field, u0 = Lorenz63().to(dtype), torch.tensor([START], dtype=dtype, requires_grad=True)
    t = torch.tensor([0.0, interval], dtype=dtype)
    options = {"step_size": interval / substeps}
    end = torchdiffeq.odeint_adjoint(field, u0, t, method="rk4", options=options)[-1]
    found = torch.autograd.grad((end * torch.tensor(WEIGHTS, dtype=dtype)).sum(), (u0, field.values))
    return torch.cat([g.ravel() for g in found]).double().numpy()


def extended_claims() -> list[Claim]:
    """Relative error of gradients on Lorenz-63 over growing intervals."""
    claims = list[Claim]()
    for interval in INTERVALS:
        steps = round(interval * STEPS_PER_UNIT)
        exact = extended_gradient(interval, steps)

        def error(found: np.ndarray, exact: np.ndarray = exact) -> float:
            return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))

        for dtype, bar in ((torch.float64, ("<=", 1e-8)), (torch.float32, None)):
            name = f"gradient of Lorenz-63 over {interval:g}, {str(dtype).removeprefix('torch.')}, relative error"
            ours, theirs = (error(found(interval, steps, dtype)) for found in (gradient, adjoint_gradient))
            claims += [Claim(f"{name}: discrete", ours, "1", bar=bar), Claim(f"{name}: odeint_adjoint", theirs, "1")]
    return claims


def _flat(found: Sequence[Tensor]) -> Tensor:
    return torch.cat([g.ravel() for g in found])


def scheme_claims() -> list[Claim]:
    """Largest relative difference between the discrete adjoint and autograd over all schemes and fields."""
    claims = list[Claim]()
    for dtype, bar in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        worst, t = 0.0, torch.linspace(0, 1, 6, dtype=dtype)
        for method in (*METHODS, LearnedRungeKutta(8).to(dtype)):
            for field in (MLPField(3, 64, 2, "tanh"), BilinearField(3)):
                generator = torch.Generator().manual_seed(0)
                for parameter in field.parameters():
                    parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator)
                field, y0 = field.to(dtype), torch.randn(16, 3, generator=generator).to(dtype)
                wanted = [*field.parameters(), *(method.parameters() if isinstance(method, nn.Module) else ())]
                both = [
                    _flat(torch.autograd.grad(odeint(field, y0, t, method=method, adjoint=a).square().mean(), wanted))
                    for a in ("autograd", "discrete")
                ]
                worst = max(worst, float((both[1] - both[0]).norm() / both[0].norm()))
        name = str(dtype).removeprefix("torch.")
        claims.append(Claim(f"discrete adjoint against autograd, every scheme, {name}", worst, "1", bar=("<=", bar)))
    return claims


def mate_claims() -> list[Claim]:
    """Largest relative change of a sample's path when its batch mates change."""
    t, worst = torch.linspace(0, 2, 9, dtype=torch.float64), 0.0
    field = MLPField(3, 64, 2, "tanh").double()
    y0, others = (torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) for n in (5, 95))
    for method in METHODS:
        alone = odeint(field, y0, t, method=method)
        among = odeint(field, torch.cat([y0, 100 * others]), t, method=method)[:, :5]
        worst = max(worst, float(((among - alone).norm(dim=-1) / alone.norm(dim=-1)).max()))
    return [Claim("largest change by batch mates, every scheme", worst, "1", bar=("<=", 1e-12))]


def random_claims(count: int = 1000) -> list[Claim]:
    """Exceptions, and wrong status codes, of random fields from calm to explosive."""
    raised, wrong, t = 0, 0, torch.linspace(0, 1, 4, dtype=torch.float64)
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        matrix = torch.randn(3, 3, dtype=torch.float64, generator=generator) * 10 ** (
            5 * torch.rand((), generator=generator) - 2
        )
        y0 = torch.randn(4, 3, dtype=torch.float64, generator=generator)
        try:
            solution = integrate(
                lambda t, y, m=matrix: torch.tanh(y) @ m + y * y * m[0],
                y0,
                t,
                method=(*TABLEAUS,)[seed % 8],
                max_steps=100,
            )
        except Exception:  # counted, whatever it is
            raised += 1
            continue
        finite = torch.isfinite(solution.states).all(-1).all(0)
        wrong += int((finite != (solution.status == Status.OK)).sum())
    return [
        Claim(f"{count} random fields: exceptions", raised, "1", bar=("<=", 0)),
        Claim(f"{count} random fields: samples with a wrong status", wrong, "1", bar=("<=", 0)),
    ]


def truth_claims() -> list[Claim]:
    """How long the truth that judges forecasts is one: beside another order and substep of the same precision."""
    truth, dt = lorenz63_truth(0.01), 0.01
    other = taylor_trajectory(truth[0], dt, len(truth) - 1, order=30, substep=0.005)
    agreed = ground_truth_time(truth, other.astype(np.float64), dt, CLIMATE_STD, LYAPUNOV_TIME)
    return [
        Claim("Lorenz-63: valid time of the truth itself, lowest of 48 starts", float(agreed.times.min()), "LT"),
        Claim("Lorenz-63: starts whose truth is valid to the horizon of 30 LT", float(agreed.censored.mean()), "1"),
    ]


def exactness_claims() -> list[Claim]:
    return [*truth_claims(), *extended_claims(), *scheme_claims(), *mate_claims(), *random_claims()]
