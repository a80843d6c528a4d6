"""The one door to MUSICA: its shipped configurations and its solvers, whose interface moves fast."""

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from geodl.errors import MechanismError, MissingPackageError, OptionError, did_you_mean

ROSENBROCK, BACKWARD_EULER = "rosenbrock", "backward_euler"
SOLVERS = (ROSENBROCK, "rosenbrock_dae4", "rosenbrock_dae6", BACKWARD_EULER)
MAX_STEPS = 100_000  # of one advance, where MICM would stop at 1000 in the middle of it
_SURFACE = ("effective radius [m]", "particle number concentration [# m-3]")


def import_musica() -> Any:
    """The package.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        import musica
    except ImportError as error:
        raise MissingPackageError("atmospheric kinetics need the extra: pip install 'geodl[atmosphere]'") from error
    return musica


def configuration(name: str | Path) -> Path:
    """The file of a mechanism: a path, or the name of one that MUSICA ships, such as "carbon_bond_5" or "ts1".

    Raises:
        MechanismError: neither exists.
        MissingPackageError: MUSICA is not installed.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = _shipped()
    if str(name) not in shipped:
        raise MechanismError(f"there is no mechanism {str(name)!r}, neither a file nor with MUSICA. {_near(name)}")
    return shipped[str(name)]


def _near(name: str | Path) -> str:
    return did_you_mean(str(name), _shipped())


def _shipped() -> dict[str, Path]:
    """Files that hold a whole mechanism, by the name of the file, or of its folder where that says more."""
    root = Path(import_musica().__file__).parent / "configs"
    files = [*sorted(root.glob("v1/*/*.json")), *sorted(root.glob("v0/*/config.json"))]
    return {path.parent.name if path.stem == "config" else path.stem: path for path in files}


def parsed(path: Path) -> Any:
    """MUSICA's own mechanism.

    Raises:
        MechanismError: MUSICA refuses the file.
    """
    from musica.mechanism_configuration import parse

    try:
        return parse(str(path))
    except Exception as error:  # whatever the parser throws; its classes are not public
        raise MechanismError(f"MUSICA cannot read {path}: {error}") from error


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What a configuration ships beside its reactions, by name.

    Attributes:
        concentration: of species in mol m-3.
        emission: of species in mol m-3 s-1.
        photolysis: rates of reactions in 1/s.
        environment: temperature in K, pressure in Pa and more.
        parameter: all other parameters of rates, by the name that MICM has for them.
    """

    concentration: dict[str, float] = dataclasses.field(default_factory=dict)
    emission: dict[str, float] = dataclasses.field(default_factory=dict)
    photolysis: dict[str, float] = dataclasses.field(default_factory=dict)
    environment: dict[str, float] = dataclasses.field(default_factory=dict)
    parameter: dict[str, float] = dataclasses.field(default_factory=dict)


def conditions(path: Path) -> Conditions:
    """The shipped conditions of a configuration, empty where there are none."""
    shipped = Conditions()
    kinds = {"CONC": shipped.concentration, "EMIS": shipped.emission}
    kinds |= {"PHOTO": shipped.photolysis, "ENV": shipped.environment}
    beside = path.with_name("initial_conditions.csv")
    for name, *values in csv.reader(beside.read_text(encoding="utf-8").splitlines()) if beside.is_file() else ():
        kind, _, what = name.partition(".")
        if kind in kinds:
            kinds[kind][what] = float(values[0])
        elif kind == "SURF":
            shipped.parameter.update({f"{name}.{part}": float(v) for part, v in zip(_SURFACE, values, strict=True)})
        else:
            shipped.parameter[name] = float(values[0])
    return shipped


class Solver:
    """One MICM solver and states of it, which take and give arrays.

    Raises:
        OptionError: a solver that does not exist, or tolerances that are not positive.
    """

    def __init__(self, mechanism: Any, species: int, kind: str, *, rtol: float | None, atol: float | None):
        musica = import_musica()
        if kind not in SOLVERS:
            raise OptionError(f"there is no solver {kind!r}. {did_you_mean(kind, SOLVERS)}")
        if (rtol is None) != (atol is None) or not all(value is None or value > 0 for value in (rtol, atol)):
            raise OptionError(f"tolerances rtol {rtol!r} and atol {atol!r}: give both, positive, or none for defaults")
        # Only the constructor takes tolerances: set later they change nothing, and nothing says so.
        self.micm = musica.MICM(
            mechanism=mechanism,
            solver_type=getattr(musica.SolverType, kind),
            solver_parameters=_parameters(kind, species, rtol, atol),
        )
        self._states: dict[int, _Cells] = {}

    def cells(self, number: int) -> "_Cells":
        """A state of so many cells, kept for the next time."""
        if number not in self._states:
            self._states[number] = _Cells(self.micm.create_state(number), number)
        return self._states[number]

    @property
    def names(self) -> tuple[dict[str, int], dict[str, int]]:
        """Positions of the species and of the parameters in the arrays of `_Cells`."""
        state = self.cells(1).state
        return state.get_species_ordering(), state.get_user_defined_rate_parameters_ordering()

    def solve(self, cells: "_Cells", dt: float) -> tuple[bool, int]:
        """Bring cells forward by dt in s; whether that went well, and the steps it took."""
        converged = import_musica().micm.SolverState.Converged
        left, steps = dt, 0
        while left > 1e-9 * dt:  # a result may end before its time
            result = self.micm.solve(cells.state, left)
            if result.state != converged or not result.stats.final_time > 0:
                return False, steps
            left, steps = left - result.stats.final_time, steps + result.stats.accepted
        return True, steps


def _parameters(kind: str, species: int, rtol: float | None, atol: float | None) -> Any:
    micm = import_musica().micm
    tolerances = {} if rtol is None else {"relative_tolerance": rtol, "absolute_tolerances": [atol] * species}
    if kind == BACKWARD_EULER:
        return micm.BackwardEulerSolverParameters(**tolerances)
    return micm.RosenbrockSolverParameters(**tolerances, max_number_of_steps=MAX_STEPS)


class _Cells:
    """A state of MICM as arrays [cell, name]; it keeps blocks of cells, padded, name by name inside a block."""

    def __init__(self, state: Any, number: int):
        self.state, self.number, self.inner = state, number, state.get_internal_state()
        stride = self.inner.concentration_strides()
        self.lanes = stride[1] if stride[0] == 1 else 1

    def set(self, temperature: np.ndarray, pressure: np.ndarray, parameter: np.ndarray) -> None:
        """Conditions [cell] in K and Pa, and rate parameters [cell, parameter]."""
        self.state.set_conditions(temperature.tolist(), pressure.tolist())
        self._write(self.inner.user_defined_rate_parameters, parameter)

    @property
    def concentration(self) -> np.ndarray:
        """[cell, species] in mol m-3."""
        blocks = np.array(list(self.inner.concentrations)).reshape(-1, self._width(), self.lanes)
        return blocks.swapaxes(1, 2).reshape(-1, self._width())[: self.number]

    @concentration.setter
    def concentration(self, values: np.ndarray) -> None:
        self._write(self.inner.concentrations, values)

    def _width(self) -> int:
        return len(self.inner.concentrations) // (-(-self.number // self.lanes) * self.lanes)

    def _write(self, vector: Any, values: np.ndarray) -> None:
        padded = np.pad(values, ((0, -len(values) % self.lanes), (0, 0)), mode="edge")
        blocks = padded.reshape(-1, self.lanes, values.shape[1]).swapaxes(1, 2)
        vector[:] = type(vector)(blocks.ravel().tolist())
