"""A made-up air of three reactions with a closed form, for tests and first steps without MUSICA."""

import json

import numpy as np
import xarray as xr
from jaxtyping import Float

from geodl.chemistry.atmosphere.box import air
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism

LIGHT, BACK, LOSS = 2e-3, 1e-3, 1e-4  # 1/s: NO2 -> NO in full light, NO -> NO2, and CO -> nothing


def made_up() -> LumpedMechanism:
    """NO and NO2 that turn into each other, CO that goes, and air around them."""
    return LumpedMechanism(
        name="made-up air",
        fingerprint=f"made-up {LIGHT} {BACK} {LOSS}",
        species=("CO", "M", "NO", "NO2"),
        families={"NO": {"NO": 1, "NO2": 1}},
        given=("M",),
        concentration={"CO": 1e-6, "NO": 1e-9, "NO2": 1e-8},
        emission={"CO": 1e-10, "NO": 1e-12},
        photolysis={"NO2": LIGHT},
    )


def air_example(seed: int = 0, *, boxes: int = 16, samples: int = 25) -> xr.Dataset:
    """States of made-up air, and each a random time step later."""
    random, mechanism, size = np.random.default_rng(seed), made_up(), boxes * samples
    factors = np.exp(random.uniform(np.log(0.3), np.log(3), (size, 5)))
    before = factors[:, :4] * mechanism.row(mechanism.concentration)
    temperature, pressure = random.uniform(220, 305, size), random.uniform(2e4, 1e5, size)
    before[:, mechanism.index("M")] = air(temperature, pressure)["M"]
    emission = factors[:, 4:] * mechanism.row(mechanism.emission)
    light, dt = random.uniform(size=size) * (random.uniform(size=size) < 0.6), 10 * 180 ** random.uniform(size=size)
    after = _react(before, emission, light, dt)
    numbers = {"temperature": (temperature, "K"), "pressure": (pressure, "Pa"), "photolysis": (light, "1"),
               "dt": (dt, "s")}  # fmt: skip
    amounts = {"concentration": (before, "mol m-3"), "emission": (emission, "mol m-3 s-1"),
               "concentration_end": (after, "mol m-3")}  # fmt: skip
    return xr.Dataset(
        {
            name: (("sample", "species")[: values.ndim], values, {"units": units})
            for name, (values, units) in (numbers | amounts).items()
        },
        {"species": list(mechanism.species), "box": ("sample", np.repeat(np.arange(boxes), samples))},
        {
            "title": "made-up kinetics of air",
            "licence": "CC0-1.0",
            "mechanism_fingerprint": mechanism.fingerprint,
            "mechanism_record": json.dumps(mechanism.to_record()),
        },
    )


def _react(
    before: Float[np.ndarray, "n species"], emission: Float[np.ndarray, "n species"], light: np.ndarray, dt: np.ndarray
) -> Float[np.ndarray, "n species"]:
    """Exactly: CO decays, and NO relaxes to its share of a sum that grows with what is emitted."""
    after = before.copy()
    after[:, 0] = before[:, 0] * np.exp(-LOSS * dt) - emission[:, 0] * np.expm1(-LOSS * dt) / LOSS
    down, rate, source = LIGHT * light, LIGHT * light + BACK, emission[:, 2]
    total = before[:, 2] + before[:, 3]
    slope = down * source / rate  # of the steady state of NO, which it follows
    steady = (down * total + source - slope) / rate
    after[:, 2] = slope * dt + steady + (before[:, 2] - steady) * np.exp(-rate * dt)
    after[:, 3] = total + source * dt - after[:, 2]
    return after
