"""The reference that surrogates are made from and measured against: Cantera's stiff integrator, cell by cell."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geodl.chemistry.mechanism.read import find_mechanism, read_mechanism
from geodl.chemistry.state import FAILED, OK, State, cells
from geodl.errors import MissingPackageError, OptionError

CONSTANT = ("pressure", "volume")
LARGE = 200  # species from which on a preconditioner is used: at 53 dense Jacobians are faster, at 1268 they are not


def import_cantera() -> Any:
    """The package.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        import cantera
    except ImportError as error:
        raise MissingPackageError("kinetics by Cantera need the extra: pip install 'geodl[chemistry]'") from error
    return cantera


class CanteraChemistry:
    """Advances cells by Cantera's CVODE, each for itself, in one network of reactors that is built once.

    Args:
        mechanism: file of a mechanism, or the name of one that comes with Cantera, such as "h2o2.yaml".
        rtol, atol: tolerances of the integrator.
        constant: "pressure" and enthalpy, or "volume" and internal energy.
        mole: amounts as unknowns, else mass fractions, which cost little more and are far more exact in traces at the
            same tolerances.
        preconditioned: Krylov steps with Cantera's adaptive preconditioner, for amounts only, instead of dense
            Jacobians; for large mechanisms where not given.
    Raises:
        MechanismError: the mechanism cannot be read.
        MissingPackageError: Cantera is not installed.
        OptionError: a tolerance that is not positive, or something else constant.
    """

    def __init__(
        self,
        mechanism: str | Path,
        *,
        rtol: float = 1e-6,
        atol: float = 1e-10,
        constant: str = "pressure",
        mole: bool = True,
        preconditioned: bool | None = None,
    ):
        if not (rtol > 0 and atol > 0):
            raise OptionError(f"tolerances rtol {rtol!r} and atol {atol!r}: both must be positive")
        if constant not in CONSTANT:
            raise OptionError(f"constant is {constant!r}, expected one of {CONSTANT}")
        if preconditioned and not mole:
            raise OptionError("Cantera's preconditioner works on amounts: say mole=True, or preconditioned=False")
        cantera = import_cantera()
        self.mechanism = read_mechanism(mechanism)
        self.gas = cantera.Solution(str(find_mechanism(mechanism)))
        self.rtol, self.atol, self.constant = rtol, atol, constant
        many = mole and len(self.mechanism.species) > LARGE
        self.mole, self.preconditioned = mole, many if preconditioned is None else preconditioned
        self._build()

    def _build(self) -> None:
        """A network of one reactor; an exception leaves it unusable, and calls for a new one."""
        cantera = import_cantera()
        kind = f"IdealGas{'ConstPressure' * (self.constant == 'pressure')}{'Mole' * self.mole}Reactor"
        self._reactor = getattr(cantera, kind)(self.gas, clone=False)
        self._network = cantera.ReactorNet([self._reactor])
        self._network.rtol, self._network.atol = self.rtol, self.atol
        if self.preconditioned:
            self._network.preconditioner = cantera.AdaptivePreconditioner()

    def advance(self, temperature: Any, pressure: Any, mass_fraction: Any, dt: Any) -> State:
        """Every cell after its time step.

        Args:
            temperature, pressure, dt: numbers or [cell], in K, Pa and s.
            mass_fraction: [cell, species] in the order of the mechanism; normalised, what is negative counts as zero.
        Returns:
            Tensors if ``mass_fraction`` is one, else arrays. FAILED where a cell is no state or the solver gave up: it
            stays as it was.
        Raises:
            ShapeError, DomainError, OptionError: see `geodl.chemistry.state.cells`.
        """
        given = cells(temperature, pressure, mass_fraction, dt, species=len(self.mechanism.species))
        t, p, y, steps = (values.detach().to("cpu", torch.float64).numpy() for values in given)
        after, fractions, status = np.array(t), np.array(y), np.full(len(y), FAILED, np.int8)
        for i in np.flatnonzero(np.isfinite(y).all(1) & (t > 0) & (p > 0) & (t < math.inf) & (p < math.inf)):
            if self.step(t[i], p[i], y[i], steps[i]):
                after[i], fractions[i], status[i] = self.gas.T, self.gas.Y, OK
        if not isinstance(mass_fraction, Tensor):
            return State(after, fractions, status)
        like = given[2]
        return State(torch.from_numpy(after).to(like), torch.from_numpy(fractions).to(like), _at(status, like))

    def step(self, temperature: float, pressure: float, mass_fraction: np.ndarray, dt: float) -> bool:
        """Bring ``gas`` to the end of one step; False where the solver gave up."""
        try:
            self.start(temperature, pressure, mass_fraction).advance(dt)
        except import_cantera().CanteraError:
            self._build()
            return False
        return math.isfinite(self.gas.T)

    def start(self, temperature: float, pressure: float, mass_fraction: np.ndarray) -> Any:
        """Cantera's ReactorNet at time zero of a cell, for those who want its own steps."""
        self.gas.TPY = temperature, pressure, mass_fraction
        self._reactor.volume = 1 / self.gas.density  # one kg; else it would keep the volume that the last cell grew to
        self._reactor.syncState()
        self._network.initial_time = 0.0
        self._network.reinitialize()
        return self._network


def _at(status: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(status).to(like.device)
