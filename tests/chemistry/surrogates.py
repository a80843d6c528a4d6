"""Networks and surrogates that the tests of the laws share: small, quickly made, and one of them mad."""

import functools

import numpy as np
import torch

import geodl
from geodl.chemistry.mechanism.mechanism import Mechanism, Nasa
from geodl.chemistry.surrogate.kinetics_network import KineticsNetwork, Shape, take_scale
from geodl.core.surrogate import Surrogate
from geodl.train.split import Split, split

SPECIES = ("H2", "H", "O", "O2", "OH", "H2O", "HO2", "H2O2", "N2")
_HEAT = (3.5, 2.5, 2.5, 4.0, 3.6, 5.0, 5.3, 7.0, 3.6)  # c_p over the gas constant
_FORMATION = (0.0, 26.2, 30.0, 0.0, 4.7, -29.1, 1.5, -16.3, 0.0)  # enthalpies at 298 K over the gas constant, 1000 K


def oxyhydrogen(order: tuple[int, ...] = tuple(range(9))) -> Mechanism:
    """Hydrogen, oxygen and what lies between, with constant heat capacities; nitrogen is inert."""
    nasa = tuple(
        Nasa(200.0, 1000.0, 6000.0, *2 * ((cp, 0.0, 0.0, 0.0, 0.0, 1000 * formed - 298 * cp, 0.0),))
        for cp, formed in zip(_HEAT, _FORMATION, strict=True)
    )
    atoms = (2, 1, 0, 0, 1, 2, 1, 2, 0), (0, 0, 1, 2, 1, 1, 2, 2, 0), (0, 0, 0, 0, 0, 0, 0, 0, 2)
    composition = tuple(tuple(row[i] for i in order) for row in atoms)
    names, weights = ("H", "O", "N"), (1.008, 15.999, 14.007)
    species, nasa = tuple(SPECIES[i] for i in order), tuple(nasa[i] for i in order)
    return Mechanism("made-up/oxyhydrogen", "1" * 64, names, weights, species, composition, nasa, ("N2",))


def mixtures(cells: int, mechanism: Mechanism, seed: int = 0, spread: float = 3.0) -> tuple[torch.Tensor, ...]:
    """Temperature, pressure, mass fractions and time steps over all that burns, in the order of the schema."""
    random = np.random.default_rng(seed)
    temperature = random.uniform(1000, 2500, cells)
    pressure, dt = np.exp(random.uniform(np.log([[5e4], [1e-8]]), np.log([[2e6], [1e-5]]), (2, cells)))
    fraction = np.exp(spread * random.standard_normal((cells, len(mechanism.species))))
    fraction /= fraction.sum(1, keepdims=True)
    return tuple(map(torch.from_numpy, (temperature, pressure, fraction, dt)))


def network(mechanism: Mechanism | None = None, *, madness: float = 1.0, seed: int = 0, **shape) -> KineticsNetwork:
    """Untrained, in evaluation and float64, without gradients; the last weights are multiplied by the madness."""
    mechanism = mechanism or oxyhydrogen()
    torch.manual_seed(seed)
    made = KineticsNetwork(mechanism, Shape(**{"hidden": (16,), **shape})).double().eval()
    take_scale(made.requires_grad_(False), mixtures(500, mechanism), ())
    for member in made.dense:
        member.deep[-1].weight.mul_(10 * madness)
    return made


@functools.cache
def parts() -> Split:
    """Data of the made-up flame."""
    return split(geodl.family("chemistry").example(0), "trajectory")


@functools.cache
def trained(dtype: str = "float32", **options) -> Surrogate:
    """A small surrogate of the made-up flame, after a few epochs."""
    family = geodl.family("chemistry", **{"hidden": (16, 16), **options})
    config = geodl.FitConfig.parse({**family.settings, "epochs": 3, "batch_size": 64, "dtype": dtype})
    return geodl.fit(family, parts().train, parts().valid, config=config, seed=0, show=False)


def states(part: str = "test") -> tuple[np.ndarray, ...]:
    """Temperature, pressure, mass fractions and time steps of the data, in the order of the schema."""
    ds = getattr(parts(), part)
    return tuple(ds[name].values.copy() for name in ("temperature", "pressure", "mass_fraction", "dt"))


def elements(mechanism: Mechanism, fraction) -> np.ndarray:
    """kmol of each element in one kg of each cell."""
    return np.asarray(fraction, float) @ mechanism.element_matrix.T
