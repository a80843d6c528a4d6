"""The same gradient step in torchode and in diffrax."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def torchode_step(field: nn.Module, y0: Tensor, t: Tensor) -> Callable[[], None]:
    """torchode has no scheme of four stages: Tsitouras' of six, with the same steps, evaluates half as much again."""
    import torchode

    term = torchode.ODETerm(field)
    solver = torchode.AutoDiffAdjoint(torchode.Tsit5(term=term), torchode.FixedStepController())
    times = t.expand(len(y0), -1).contiguous()
    problem = torchode.InitialValueProblem(y0=y0, t_eval=times)
    dt0 = torch.full((len(y0),), float(t[1] - t[0]))

    def step() -> None:
        for parameter in field.parameters():
            parameter.grad = None
        solver.solve(problem, dt0=dt0).ys.square().mean().backward()

    return step


def diffrax_step(network: nn.Sequential, y0: Tensor, t: Tensor) -> Callable[[], None]:
    """diffrax with the 3/8 rule as a tableau, constant steps and its default, recursive checkpoints; jit-compiled."""
    import os

    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import diffrax
    import jax
    import jax.numpy as jnp
    import numpy as np

    three_eighths = diffrax.ButcherTableau(
        c=np.array([1 / 3, 2 / 3, 1.0]),
        b_sol=np.array([1 / 8, 3 / 8, 3 / 8, 1 / 8]),
        b_error=np.array([1 / 8, -1 / 8, -1 / 8, 1 / 8]),
        a_lower=(np.array([1 / 3]), np.array([-1 / 3, 1.0]), np.array([1.0, -1.0, 1.0])),
    )

    class ThreeEighths(diffrax.AbstractERK):
        tableau = three_eighths
        interpolation_cls = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

        def order(self, terms: object) -> int:
            return 4

    weights = [jnp.asarray(p.detach().numpy()) for p in network.parameters()]
    start, times = jnp.asarray(y0.numpy()), jnp.asarray(t.numpy())

    def field(time: object, y: jax.Array, w: list[jax.Array]) -> jax.Array:
        h = jnp.tanh(y @ w[0].T + w[1])
        return jnp.tanh(h @ w[2].T + w[3]) @ w[4].T + w[5]

    def loss(w: list[jax.Array]) -> jax.Array:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field), ThreeEighths(), times[0], times[-1], None, start, args=w,
            saveat=diffrax.SaveAt(ts=times), stepsize_controller=diffrax.StepTo(ts=times), max_steps=len(t) + 4,
        )  # fmt: skip
        return jnp.mean(solution.ys**2)

    gradient = jax.jit(jax.grad(loss))

    def step() -> None:
        jax.block_until_ready(gradient(weights))

    return step
