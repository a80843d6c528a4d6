"""What a family of surrogates promises, and how the families of the library are found."""

import dataclasses
import functools
import importlib
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import xarray as xr
from torch import Tensor, nn

from geodl.core.schema import Schema
from geodl.core.settings import Settings
from geodl.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geodl.core.code import Code
    from geodl.core.surrogate import Surrogate

Tensors = tuple[Tensor, ...]


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A classical model to beat. ``fit`` and ``predict`` see scaled tensors, as the network does."""

    about: str
    fit: Callable[[Tensors, Tensors], dict[str, Tensor]]
    predict: Callable[[dict[str, Tensor], Tensors], Tensors]


@dataclasses.dataclass(frozen=True)
class Claim:
    """One number of a paper or of a bar: what was published, what was measured, what is demanded."""

    claim: str
    measured: float
    unit: str
    bar: tuple[str, float] | None = None
    published: float | None = None

    @property
    def passed(self) -> bool | None:
        """None where nothing is demanded and the number is reported as it is."""
        return None if self.bar is None else bool(_COMPARE[self.bar[0]](self.measured, self.bar[1]))

    def row(self) -> dict[str, Any]:
        bar = None if self.bar is None else f"{self.bar[0]} {self.bar[1]:g}"
        return dataclasses.asdict(self) | {"bar": bar, "passed": self.passed}


_COMPARE: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """What the reproduction of a paper yields: claims, the fields behind them, and a surrogate with its test data.

    ``note`` says how to read the claims.
    """

    claims: tuple[Claim, ...]
    data: xr.Dataset
    surrogate: "Surrogate"
    test: xr.Dataset
    seeds: tuple[int, ...]
    note: str = ""


def same_dataset(ds: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Inputs and outputs stand side by side in one Dataset."""
    return ds, ds


def unchanged(tensors: Tensors) -> Tensors:
    """The network sees the scaled inputs themselves."""
    return tensors


def as_given(ds: xr.Dataset) -> xr.Dataset:
    """Nothing is derived: the Dataset must hold what the schema asks for."""
    return ds


def mean_squared_error(predicted: Tensors, targets: Tensors, inputs: Tensors) -> Tensor:
    """Mean over the outputs of the mean squared error of each, all scaled to order one."""
    del inputs
    first, *others = (nn.functional.mse_loss(p, t) for p, t in zip(predicted, targets, strict=True))
    return sum(others, first) / len(predicted) if others else first


def flatten(tensors: Tensors) -> Tensor:
    """All values of a sample side by side: ``[sample, value]``."""
    return torch.cat([t.reshape(t.shape[0], -1) for t in tensors], dim=1)


@dataclasses.dataclass(frozen=True)
class Family:
    """A kind of surrogate with its options fixed.

    Attributes:
        build: makes the network, whose ``forward`` takes encoded inputs, scaled and in schema order unless ``encode``
            says otherwise, and returns the outputs of the schema, in evaluation its diagnostics too.
        group: dimension or coordinate whose values must stay together when data are split.
        example: a small set of raw data from a seed, made within seconds, for tests and first steps.
        samples: raw data to (inputs, outputs), for data whose samples must be cut out first.
        loss: (predicted, scaled targets, encoded inputs) to a scalar.
        complete: derives inputs of the schema from what users have in their place; refuses what can be seen wrong.
        encode: scaled inputs to what network and guard see of them, without weights: computed once before training.
        features: encoded inputs to ``[sample, feature]``, what the guard looks at.
        warm_start: gives the untrained network a first look at encoded inputs and scaled outputs for training.
        calibrate: gives the trained network a last look at the same.
        generate: makes reference data from a seed and arguments, or reads a folder that is given as ``source``: one
            Dataset, or several by name.
        metrics, figures: what this family measures and draws besides the usual.
        code: what a surrogate is in C, where it can be.
        settings: training settings that suit this family when the user gives none.
    """

    name: str
    about: str
    options: Mapping[str, Any]
    schema: Schema
    build: Callable[[], nn.Module]
    group: str
    baselines: Mapping[str, Baseline]
    example: Callable[[int], xr.Dataset]
    samples: Callable[[xr.Dataset], tuple[xr.Dataset, xr.Dataset]] = same_dataset
    loss: Callable[[Tensors, Tensors, Tensors], Tensor] = mean_squared_error
    complete: Callable[[xr.Dataset], xr.Dataset] = as_given
    encode: Callable[[Tensors], Tensors] = unchanged
    features: Callable[[Tensors], Tensor] = flatten
    warm_start: Callable[[nn.Module, Tensors, Tensors], None] | None = None
    calibrate: Callable[[nn.Module, Tensors, Tensors], None] | None = None
    generate: Callable[..., xr.Dataset | Mapping[str, xr.Dataset]] | None = None
    metrics: Callable[["Surrogate", xr.Dataset], xr.Dataset] | None = None
    figures: Callable[["Surrogate", xr.Dataset], "dict[str, Figure]"] | None = None
    code: "Callable[[Surrogate], Code] | None" = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    citations: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What ``FAMILY`` in ``geodl/<name>/family.py`` is: options, and how they become a Family."""

    about: str
    options: type[Settings]
    make: Callable[[Any], Family]


def families() -> tuple[str, ...]:
    """Names of the families: the folders of the package that hold a ``family.py``."""
    package = Path(__file__).parent.parent
    return tuple(sorted(path.parent.name for path in package.glob("*/family.py")))


@functools.cache
def recipe(name: str) -> Recipe:
    """The recipe of a family by name; only folders of the package are ever imported.

    Raises:
        UnknownNameError: there is no such family.
    """
    if name not in families():
        raise UnknownNameError(f"there is no family {name!r}. {did_you_mean(name, families())}")
    found: Recipe = importlib.import_module(f"geodl.{name}.family").FAMILY
    return found


def family(name: str, **options: Any) -> Family:
    """A family by name with its options, which fix the schema.

    Raises:
        UnknownNameError: there is no such family, or no such option.
        OptionError: an option has a value that is not allowed.
    """
    chosen = recipe(name)
    return chosen.make(chosen.options.parse(options))
