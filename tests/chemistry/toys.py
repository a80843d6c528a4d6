"""A gas of two species and reactions with a closed form, so that solvers are tested without kinetics."""

import numpy as np
import torch

from geodl.chemistry.mechanism.mechanism import Mechanism, Nasa
from geodl.chemistry.state import OK, State
from geodl.chemistry.thermo import Thermo

COLD, HOT, PRESSURE, WEIGHT = 300.0, 2100.0, 1e5, 28.0


def _nasa(heat: float) -> Nasa:
    terms = (3.5, 0.0, 0.0, 0.0, 0.0, -heat * 3.5, 0.0)
    return Nasa(200.0, 1000.0, 6000.0, terms, terms)


# F becomes P, which is HOT where F was COLD.
MECHANISM = Mechanism(
    "toy", "0" * 64, ("N",), (WEIGHT / 2,), ("F", "P"), ((2, 2),), (_nasa(0.0), _nasa(HOT - COLD)), ()
)


def mixture(burnt):
    """Mass fractions where a share has burnt."""
    burnt = np.asarray(burnt, float)
    return np.stack([1 - burnt, burnt], -1)


class Toy:
    """Burnt share c after a time: ``flow(c, dt)``; counts calls and keeps the largest batch."""

    mechanism = MECHANISM

    def __init__(self, flow):
        self.flow, self.calls, self.largest = flow, 0, 0
        self.thermo = Thermo(MECHANISM)

    def advance(self, temperature, pressure, mass_fraction, dt):
        self.calls, self.largest = self.calls + 1, max(self.largest, len(temperature))
        after = mixture(self.flow(mass_fraction[:, 1], dt))
        t, y, new = map(torch.from_numpy, (temperature, mass_fraction, after))
        heated = self.thermo.temperature_from_enthalpy(self.thermo.enthalpy(t, y), new, t)
        return State(heated.numpy(), after, np.full(len(t), OK, np.int8))


def logistic(rate):
    """dc/dt = rate c (1 - c)."""
    return lambda c, dt: c / (c + (1 - c) * np.exp(-rate * dt))


def decay(rate):
    """dc/dt = rate (1 - c)."""
    return lambda c, dt: 1 - (1 - c) * np.exp(-rate * dt)


def bistable(rate, threshold, steps=2):
    """dc/dt = rate c (1 - c) (c - threshold), by Runge and Kutta's steps that are far finer than the splitting."""

    def slope(c):
        return rate * c * (1 - c) * (c - threshold)

    def flow(c, dt):
        h = dt / steps
        for _ in range(steps):
            k1 = slope(c)
            k2 = slope(c + h / 2 * k1)
            k3 = slope(c + h / 2 * k2)
            c = c + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(c + h * k3))
        return c

    return flow
