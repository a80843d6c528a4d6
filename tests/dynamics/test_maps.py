"""Baselines of a forecast."""

import torch

from geodl.dynamics.maps import persistence, polynomial_map


def orbit(step, start, leads):
    """Inputs and outputs of a map, as windows."""
    path = [start]
    for _ in range(leads):
        path.append(step(path[-1]))
    stacked = torch.stack(path, 1)
    return tuple(start.unbind(-1)), tuple(stacked[:, 1:].unbind(-1))


def start(count=100):
    return torch.randn(count, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.3


def test_persistence_keeps_the_state():
    inputs, _ = orbit(lambda z: z, start(), 4)
    baseline = persistence(4)
    for x, y in zip(inputs, baseline.predict(baseline.fit(inputs, ()), inputs), strict=True):
        assert (y == x[:, None]).all()


def test_the_linear_map_recovers_a_rotation_at_every_lead():
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]], dtype=torch.float64)
    inputs, outputs = orbit(lambda z: z @ turn.mT, start(), 5)
    baseline = polynomial_map(1, 5)
    predicted = baseline.predict(baseline.fit(inputs, outputs), inputs)
    torch.testing.assert_close(predicted, outputs, rtol=1e-12, atol=1e-12)


def test_the_quadratic_map_recovers_the_henon_map_where_the_linear_one_fails():
    def henon(z):
        x, y = z.unbind(-1)
        return torch.stack([1 - 1.4 * x * x + y, 0.3 * x], -1)

    inputs, outputs = orbit(henon, start(), 3)
    errors = []
    for degree in (1, 2):
        baseline = polynomial_map(degree, 3)
        predicted = baseline.predict(baseline.fit(inputs, outputs), inputs)
        errors.append(max(float((p - o).abs().max()) for p, o in zip(predicted, outputs, strict=True)))
    assert errors[0] > 0.1
    assert errors[1] < 1e-11
