"""
Gradients through an integration that are exact
===============================================

**Question.** How good is the gradient of a loss with respect to the parameters of an ODE,
when the system is chaotic?

**You will see** the discrete adjoint beside torchdiffeq's continuous one, a parameter of
Lorenz-63 found by descent, and the tangent-linear model passing its dot-product test.

**When not to use this.** Over many Lyapunov times the *true* gradient grows as e^{0.9 t},
and no adjoint makes it useful: keep windows at one or two Lyapunov times.
"""

# %%
# Lorenz-63 with a parameter to learn, and the gradient of the last state by two adjoints.
import matplotlib.pyplot as plt
import torch

from geodl.dynamics import odeint
from geodl.dynamics.chaos.tangent import dot_product_test
from geodl.dynamics.hybrid import KnownField
from geodl.dynamics.lorenz63 import lorenz63

start = torch.tensor([[-7.5, -7.2, 26.1]], dtype=torch.float64)


def slope(interval, **choice):
    """d(x + y + z)(interval) / d rho."""
    field = KnownField(lorenz63, learn=["rho"]).double()
    times = torch.tensor([0.0, interval], dtype=torch.float64)
    end = odeint(field, start, times, **choice)[-1].sum()
    return float(torch.autograd.grad(end, field.rho)[0])


# %%
# The continuous adjoint runs the model backwards, where the contraction at a rate of 14.57
# becomes growth: its error is e^{14.57 t} times that of the solver. The discrete adjoint is
# the transpose of the steps that were taken; it only shares their error.
intervals = [0.1, 0.3, 0.5, 0.8, 1.0, 1.3, 1.6, 2.0]
tolerances = {"rtol": 1e-9, "atol": 1e-9}
choices = {
    "discrete, dopri5": {"method": "dopri5", **tolerances},
    "discrete, 200 steps of rk4": {"method": "rk4", "substeps": 200},
    "continuous, torchdiffeq dopri5": {"method": "torchdiffeq:dopri5", "adjoint": "continuous", **tolerances},
}
exact = [slope(t, method="dopri8", rtol=1e-13, atol=1e-13) for t in intervals]
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for name, choice in choices.items():
    errors = [abs(slope(t, **choice) / e - 1) for t, e in zip(intervals, exact, strict=True)]
    axis.semilogy(intervals, errors, "o-", label=name)
    print(f"{name:32s} relative error after {intervals[-1]} units: {errors[-1]:.1e}")
axis.set(xlabel="length of the interval [1]", ylabel="relative error of the gradient [1]")
axis.legend(frameon=False)

# %%
# With such gradients a parameter is found in a few steps, from 20 states 0.5 units apart.
truth, field = KnownField(lorenz63).double(), KnownField(lorenz63, learn=["rho"], rho=26.0).double()
states = odeint(truth, start, torch.linspace(0, 10, 21, dtype=torch.float64), method="rk4", substeps=50)[:, 0]
optimizer = torch.optim.LBFGS(field.parameters(), max_iter=20, line_search_fn="strong_wolfe")


def misfit():
    optimizer.zero_grad()
    times = torch.tensor([0.0, 0.5], dtype=torch.float64)
    loss = (odeint(field, states[:-1], times, method="rk4", substeps=50)[-1] - states[1:]).square().mean()
    loss.backward()
    return loss


optimizer.step(misfit)
print(f"rho = {field.rho.item():.9f}, the truth is 28")

# %%
# Tangent-linear model and adjoint of one forecast: ⟨M δ, w⟩ = ⟨δ, Mᵀ w⟩ to rounding.
hour = torch.tensor([0.0, 1.0], dtype=torch.float64)
gap = dot_product_test(lambda u: odeint(truth, u, hour, method="rk4", substeps=100)[-1], states)
print(f"dot-product test: {float(gap):.1e}")
plt.show()
