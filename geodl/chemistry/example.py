"""A made-up flame in a bottle, for tests and first steps: one reaction, constant heat capacities, no Cantera."""

import hashlib

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.integrate import solve_ivp

from geodl.chemistry.data.layout import reaction_dataset
from geodl.chemistry.mechanism.mechanism import GAS_CONSTANT, Mechanism, Nasa

FACTOR, ACTIVATION = 1e10, 1e4  # m3/(kmol s) and K of the rate of 2 H2 + O2 -> 2 H2O, first order in H2 and in O2
CHANGE = np.array([-2.0, -1.0, 2.0, 0.0])  # kmol of H2, O2, H2O and N2 for each kmol of reaction
_CP = np.array([3.5, 4.0, 5.0, 3.6])  # over the gas constant
_ENTHALPY = np.array([-1050.0, -1200.0, -30600.0, -1080.0])  # at 0 K over the gas constant, K
_NAME = "made-up/one-step"


def one_step() -> Mechanism:
    """Hydrogen burning to water in one step, with round numbers near those of nature."""
    nasa = tuple(Nasa(200.0, 1000.0, 6000.0, *2 * ((cp, 0.0, 0.0, 0.0, 0.0, a6, 0.0),))
                 for cp, a6 in zip(_CP.tolist(), _ENTHALPY.tolist(), strict=True))  # fmt: skip
    digest = hashlib.sha256(repr((FACTOR, ACTIVATION, nasa)).encode()).hexdigest()
    composition = (2, 0, 2, 0), (0, 2, 1, 0), (0, 0, 0, 2)
    names, weights, species = ("H", "O", "N"), (1.008, 15.999, 14.007), ("H2", "O2", "H2O", "N2")
    return Mechanism(_NAME, digest, names, weights, species, composition, nasa, ("N2",))


def example(seed: int = 0, *, trajectories: int = 16, samples: int = 25) -> xr.Dataset:
    """States on the way from fresh to burnt gas at constant pressure, and each a random time step later."""
    random, mechanism = np.random.default_rng(seed), one_step()
    each, size = np.repeat(np.arange(trajectories), samples), trajectories * samples
    phi, pressure = np.exp(random.uniform(np.log([[0.5], [5e4]]), np.log([[2.0], [5e5]]), (2, trajectories)))[:, each]
    start = random.uniform(1000, 1500, trajectories)[each]
    amounts = np.stack([2 * phi, np.ones(size), np.zeros(size), np.full(size, 3.76)], 1)
    fresh = amounts / (amounts @ mechanism.weights)[:, None]  # kmol in one kg
    burnt = np.minimum(fresh[:, 0] / 2, fresh[:, 1])  # what reaction there can be
    extent = burnt * np.tile(np.linspace(0, 1, samples) ** 2, trajectories)
    dt = 10 ** random.uniform(-8, -5, size)
    end = _react(extent, fresh, start, pressure, dt)
    values = {
        "pressure": pressure, "dt": dt, "pressure_end": pressure, "trajectory": each, "initial_temperature": start,
        "equivalence_ratio": phi, "kind": np.full(size, "ignition"), "perturbed": np.zeros(size, bool),
    }  # fmt: skip
    for label, reached in (("", extent), ("_end", end)):
        left = _amounts(fresh, reached)
        values |= {
            f"mass_fraction{label}": left * mechanism.weights,
            f"temperature{label}": _heated(fresh, start, left),
        }
    attrs = {"title": "made-up kinetics of one reaction", "licence": "CC0-1.0"}
    return reaction_dataset(values, mechanism).assign_attrs(attrs)


def _amounts(fresh: Float[np.ndarray, "n species"], extent: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n species"]:
    return np.maximum(fresh + extent[:, None] * CHANGE, 0)


def _heated(fresh: np.ndarray, start: np.ndarray, amounts: np.ndarray) -> Float[np.ndarray, "n"]:
    """Temperature that keeps the enthalpy, which is linear in it."""
    enthalpy = fresh @ _CP * start + fresh @ _ENTHALPY
    return np.asarray((enthalpy - amounts @ _ENTHALPY) / (amounts @ _CP))


def _react(
    extent: np.ndarray, fresh: np.ndarray, start: np.ndarray, pressure: np.ndarray, dt: np.ndarray
) -> Float[np.ndarray, "n"]:
    """The extent of the reaction (kmol/kg) a time step later, all in units of their own step."""

    def rate(_: float, reached: np.ndarray) -> np.ndarray:
        amounts = _amounts(fresh, reached)
        temperature = _heated(fresh, start, amounts)
        density = pressure / (amounts.sum(1) * GAS_CONSTANT * temperature)
        return np.asarray(dt * FACTOR * np.exp(-ACTIVATION / temperature) * amounts[:, 0] * amounts[:, 1] * density)

    return np.asarray(solve_ivp(rate, (0, 1), extent, method="DOP853", rtol=1e-9, atol=1e-14).y[:, -1])
