"""Everything that is asked of a model of a chaotic system, in one call: skill, climate, ensemble and exponents."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from geodl.core.progress import progress
from geodl.dynamics.chaos.crps import crps_climate, crps_ensemble, crps_skill
from geodl.dynamics.chaos.forecast_skill import (
    PredictionTimes,
    ground_truth_time,
    normalised_error,
    spread_and_error,
    valid_prediction_time,
)
from geodl.dynamics.chaos.lyapunov import LyapunovSpectrum, kaplan_yorke_dimension, lyapunov_spectrum, orbit
from geodl.dynamics.chaos.statistics import bounded_share, power_spectrum, successive_maxima, wasserstein1
from geodl.dynamics.windows import EVEN, time_values
from geodl.errors import DivergedError, NonFiniteError, OptionError, SchemaError, TimeAxisError

QUANTILES = (0.1, 0.5, 0.9)
Step = Callable[[Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How long, how many, and from where.

    Attributes:
        threshold: largest normalised error of a valid forecast, dimensionless.
        members: of the ensemble that starts from each true state.
        perturbation: standard deviation of the errors of the starts, in those of the truth.
        spectrum_steps: steps for the Lyapunov exponents; 0 leaves them out, for steps without a derivative.
        warm_up: steps before those.
        exponents: how many of the leading ones; by default all.
        maxima_of: number of the component whose successive maxima are taken.
        bins: of the histograms, over 4 standard deviations to each side.
        limit: distance from the mean at which a member counts as lost, in standard deviations.
        seed: of the perturbations and of the tangent vectors.
        dtype: of the states that the step is given.
        device: where they are.
    """

    threshold: float = 0.4
    members: int = 20
    perturbation: float = 1e-3
    spectrum_steps: int = 20_000
    warm_up: int = 2_000
    exponents: int | None = None
    maxima_of: int = -1
    bins: int = 80
    limit: float = 10.0
    seed: int = 0
    dtype: torch.dtype = torch.float64
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not (self.threshold > 0 and self.members >= 2 and self.perturbation > 0 and self.bins >= 1):
            raise OptionError(
                f"threshold > 0, at least 2 members, perturbation > 0 and bins >= 1 are needed, got "
                f"threshold={self.threshold}, members={self.members}, perturbation={self.perturbation}, "
                f"bins={self.bins}"
            )


@dataclasses.dataclass(frozen=True)
class ReferenceRun:
    """True trajectories, and the numbers of their climate.

    Attributes:
        path: states at 0, dt, 2 dt, …
        names: of the components.
        units: of the components.
        dt: time between two states, in ``time_units``.
        time_units: as CF writes them; ``1`` if time has none.
    """

    path: Float[np.ndarray, "time start component"]
    names: tuple[str, ...]
    units: tuple[str, ...]
    dt: float
    time_units: str

    @property
    def mean(self) -> Float[np.ndarray, "component"]:
        return np.asarray(self.path.mean((0, 1)))

    @property
    def std(self) -> Float[np.ndarray, "component"]:
        return np.asarray(self.path.std((0, 1)))

    @property
    def scale(self) -> Float[np.ndarray, "component"]:
        """What errors are divided by, so that their norm is the normalised error.

        The root of the summed variances; components of different units are divided by their own deviations instead.
        """
        alike = len(set(self.units)) == 1
        return np.full(len(self.std), np.sqrt((self.std**2).sum())) if alike else self.std * np.sqrt(len(self.std))

    @property
    def rate_units(self) -> str:
        """One over the unit of time."""
        return "1" if self.time_units == "1" else f"{self.time_units}-1"

    @property
    def lead(self) -> xr.Variable:
        times = self.dt * np.arange(len(self.path))
        return xr.Variable("lead", times, {"units": self.time_units, "long_name": "time since the start"})


def diagnose(
    step: Step,
    truth: Float[np.ndarray, "time start component"] | xr.Dataset,
    *,
    dt: float | None = None,
    other_truth: Float[np.ndarray, "time start component"] | xr.Dataset | None = None,
    exponents: Sequence[float] | None = None,
    settings: Settings | None = None,
) -> xr.Dataset:
    """Valid prediction times, errors, climate, ensemble scores and Lyapunov exponents of a model.

    Forecasts start from the first state of every true trajectory and last as long as it does. Values per component
    are in standard deviations of the truth, so that components of all units stand side by side.

    Args:
        step: from states to states ``[row component]`` one dt later; a forecast function f(state, steps) is given as
            ``lambda state: f(state, 1)[-1]``, a surrogate as `step_of`.
        truth: a Dataset with even ``time``, whose other dimensions count starts, or an array. Many starts, at least 48,
            for the quantiles, and long trajectories, of 10 or more Lyapunov times, for the climate; a single long
            series is cut into starts first.
        dt: time between two states, only and always for arrays.
        other_truth: the same trajectories, computed independently: prediction times are capped where the two part.
        exponents: the true Lyapunov exponents per unit of time, largest first; with them prediction times are in
            Lyapunov times, otherwise in the unit of time.
        settings: see `Settings`.
    Returns:
        A Dataset, every variable with units and a long name, for `geodl.dynamics.chaos.diagnostic_plots`.
    Raises:
        SchemaError, TimeAxisError, UnitsError, NonFiniteError: the truth is not what is described above.
        OptionError: dt missing or given twice, leading exponent not positive, or a setting out of its range.
    Source: metrics as cited in the modules of each.
    """
    settings = settings or Settings()
    given = reference_run(truth, dt)
    other = None if other_truth is None else reference_run(other_truth, dt).path
    if exponents is not None and not exponents[0] > 0:
        raise OptionError(f"the leading exponent is {exponents[0]}, expected one above zero: the largest comes first")
    start = torch.as_tensor(given.path[0]).to(settings.device, settings.dtype)
    path = _forecast(step, start, len(given.path) - 1)
    parts = [
        _skill(path, given, other, exponents, settings.threshold),
        _climate(path, given, settings),
        _ensemble(step, given, settings),
        _spectrum(step, start, given, exponents, settings),
    ]
    return xr.merge(parts, compat="equals", join="exact").assign_attrs(title="diagnostics of a dynamical model")


def step_of(core: Callable[..., Sequence[Tensor]]) -> Step:
    """The map of ``surrogate.core`` over one data interval, between states ``[row component]``.

    The states need the precision of its weights: ``Settings(dtype=surrogate.core.at()[0])``.
    """

    def step(state: Tensor) -> Tensor:
        return torch.stack([leads[:, 0] for leads in core(*state.unbind(-1))], -1)

    return step


def reference_run(truth: Float[np.ndarray, "time start component"] | xr.Dataset, dt: float | None) -> ReferenceRun:
    """True trajectories from an array or a Dataset, checked."""
    if isinstance(truth, xr.Dataset):
        if dt is not None:
            raise OptionError(f"dt is {dt}, expected none: a Dataset has its own time")
        result = _from_dataset(truth)
    elif dt is None or not dt > 0:
        raise OptionError(f"dt is {dt}, expected the positive time between two states of the array")
    else:
        names = tuple(f"u{i}" for i in range(truth.shape[-1]))
        result = ReferenceRun(np.asarray(truth, np.float64), names, ("1",) * len(names), dt, "1")
    if not np.isfinite(result.path).all():
        raise NonFiniteError("the truth holds NaN or infinity: take trajectories without gaps")
    still = [name for name, std in zip(result.names, result.std, strict=True) if not std > 0]
    if still:
        raise SchemaError(f"'{still[0]}' never changes: leave it out, nothing can be measured by its deviations")
    if len(result.path) < 32:
        raise SchemaError(f"the truth has {len(result.path)} states in time, expected at least 32 for its climate")
    return result


def _from_dataset(ds: xr.Dataset) -> ReferenceRun:
    names = tuple(str(name) for name, array in ds.data_vars.items() if "time" in array.dims)
    if not names or "time" not in ds.coords:
        raise SchemaError(f"no variable along 'time' with a coordinate; there are {dict(ds.sizes)}")
    time_units = "s" if ds["time"].dtype.kind in "mMO" else str(ds["time"].attrs.get("units", "1"))
    steps = np.diff(time_values(ds["time"], time_units))
    if not (steps[0] > 0 and np.allclose(steps, steps[0], rtol=EVEN)):
        raise TimeAxisError(f"time steps lie between {steps.min():g} and {steps.max():g} {time_units}, expected one")
    path = ds[list(names)].to_dataarray("component").transpose("time", ..., "component").values
    units = tuple(str(ds[name].attrs.get("units", "1")) for name in names)
    return ReferenceRun(
        path.reshape(len(path), -1, len(names)).astype(np.float64), names, units, float(steps[0]), time_units
    )


def _forecast(step: Step, start: Tensor, steps: int) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(orbit(step, start, steps, show=True).double().cpu().numpy())


def _variable(dims: Sequence[str], values: object, units: str, about: str) -> xr.Variable:
    return xr.Variable(dims, values, {"units": units, "long_name": about})


def _skill(
    path: np.ndarray, truth: ReferenceRun, other: np.ndarray | None, exponents: Sequence[float] | None, threshold: float
) -> xr.Dataset:
    """Growth of the error, and how long forecasts are valid."""
    unit_time = 1.0 if exponents is None else 1 / exponents[0]
    units, unit = (truth.time_units, truth.time_units) if exponents is None else ("1", "Lyapunov times")
    scaled, true = path / truth.scale, truth.path / truth.scale
    times = valid_prediction_time(scaled, true, truth.dt, 1.0, unit_time, threshold=threshold)
    error = np.nan_to_num(normalised_error(scaled, true, 1.0), nan=np.inf, posinf=np.inf)
    growth = np.quantile(error, QUANTILES, axis=1, method="inverted_cdf")
    variables = {"normalised_error": _variable(("quantile", "lead"), growth, "1", "normalised error over starts")}
    if other is not None:
        ground = ground_truth_time(true, other / truth.scale, truth.dt, 1.0, unit_time, threshold=threshold)
        times = times.capped(ground)
        variables |= _times("ground_truth_time", ground, units, f"time for which two truths agree, in {unit}")
    variables |= _times("valid_prediction_time", times, units, f"time for which forecasts are valid, in {unit}")
    coords = {"quantile": list(QUANTILES), "lead": truth.lead}
    return xr.Dataset(variables, coords, {"threshold": threshold, "unit_time": unit_time, "lead_unit": unit})


def _times(name: str, found: PredictionTimes, units: str, about: str) -> dict[str, xr.Variable]:
    quantiles = np.quantile(found.times, QUANTILES)
    return {
        name: _variable(("start",), found.times, units, about),
        f"{name}_quantiles": _variable(("quantile",), quantiles, units, f"{about}, over starts"),
        f"{name}_censored": _variable(("start",), found.censored, "1", f"{about}: only a lower bound"),
    }


def _climate(path: np.ndarray, truth: ReferenceRun, settings: Settings) -> xr.Dataset:
    """What does not ask where the state was when."""
    flat = [x.reshape(-1, x.shape[-1]) for x in (path, truth.path)]
    scaled = [(x - truth.mean) / truth.std for x in (truth.path, path)]
    spectra = [power_spectrum(x, truth.dt) for x in scaled]
    density = np.stack([power.mean(1) for _, power in spectra])
    edges = np.linspace(-4, 4, settings.bins + 1)
    histograms = np.stack([_histograms(x, edges) for x in scaled])
    share = bounded_share(path, truth.mean, truth.std, settings.limit)
    coords = {
        "component": list(truth.names),
        "source": ["truth", "forecast"],
        "frequency": _variable(("frequency",), spectra[0][0], truth.rate_units, "cycles per unit of time"),
        "bin": _variable(
            ("bin",), (edges[1:] + edges[:-1]) / 2, "1", "distance from the true mean, in true deviations"
        ),
    }
    variables = {
        "wasserstein1": _variable(("component",), wasserstein1(*flat), "1", "distance of marginals in true deviations"),
        "power": _variable(("source", "frequency", "component"), density, truth.time_units, "power over true variance"),
        "density": _variable(("source", "component", "bin"), histograms, "1", "probability density of scaled values"),
        "bounded_share": _variable((), share, "1", f"share of starts that stay within {settings.limit:g} deviations"),
    }
    return xr.Dataset(variables | _maxima(path, truth, settings.maxima_of), coords)


def _histograms(scaled: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Probability densities ``[component bin]``; what is outside counts, so that the integral tells."""
    columns = scaled.reshape(-1, scaled.shape[-1]).T
    counts = np.stack([np.histogram(column[np.isfinite(column)], edges)[0] for column in columns])
    return np.asarray(counts / columns.shape[1] / np.diff(edges))


def _maxima(path: np.ndarray, truth: ReferenceRun, component: int) -> dict[str, xr.Variable]:
    """Pairs of successive maxima of one component, of all starts, for truth and forecast."""
    if not -len(truth.names) <= component < len(truth.names):
        raise OptionError(f"maxima_of is {component}, expected the number of one of {len(truth.names)} components")
    name, units, found = truth.names[component], truth.units[component], {}
    for source, states in (("truth", truth.path), ("forecast", path)):
        pairs = np.concatenate([successive_maxima(series) for series in states[..., component].T])
        about = f"successive maxima of {name}, {source}"
        found[f"maxima_{source}"] = _variable((f"{source}_pair", "maximum"), pairs, units, about)
    return found


def _perturbed(truth: ReferenceRun, settings: Settings) -> np.ndarray:
    """Starts of the ensemble ``[member start component]``.

    Every start is disturbed twice: once for the centre of its ensemble, which does not know the truth either, and
    once for each member. The truth is then one more member, and a perfect model gives a reliable ensemble.
    """
    random, size = np.random.default_rng(settings.seed), settings.perturbation * truth.std
    centre = truth.path[0] + size * random.standard_normal(truth.path[0].shape)
    return np.asarray(centre + size * random.standard_normal((settings.members, *centre.shape)))


@torch.no_grad()
def _ensemble(step: Step, truth: ReferenceRun, settings: Settings) -> xr.Dataset:
    """Scores over lead times, each lead by itself: the ensemble is never held as a whole."""
    state, scores = torch.as_tensor(_perturbed(truth, settings)).to(settings.device, settings.dtype), []
    with progress("ensemble", len(truth.path)) as advance:
        for k, true in enumerate(truth.path):
            state = step(state.flatten(0, 1)).reshape(state.shape) if k else state
            scores.append(_scores(state.double().cpu().numpy() / truth.std, true / truth.std))
            advance(k + 1)
    crps, spread, error = np.stack(scores, 1)
    climate = crps_climate(torch.as_tensor((truth.path / truth.std).reshape(-1, len(truth.names)))).numpy()
    skill = crps_skill(torch.as_tensor(crps), torch.as_tensor(climate)).numpy()
    dims = ("lead", "component")
    variables = {
        "crps": _variable(dims, crps, "1", "ranked probability score in true deviations"),
        "crps_climate": _variable(dims[1:], climate, "1", "ranked probability score of the climate in true deviations"),
        "crps_skill": _variable(dims, skill, "1", "skill of the ranked probability score over the climate"),
        "spread": _variable(dims, spread, "1", "ensemble spread in true deviations"),
        "ensemble_error": _variable(dims, error, "1", "error of the ensemble mean in true deviations"),
    }
    return xr.Dataset(variables, {"component": list(truth.names), "lead": truth.lead})


def _scores(ensemble: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Score, spread and error ``[score component]`` at one lead, over starts."""
    crps = crps_ensemble(torch.as_tensor(ensemble), torch.as_tensor(truth)).mean(0).numpy()
    spread, error = spread_and_error(ensemble[:, None], truth[None])
    return np.stack([crps, spread[0], error[0]])


def _spectrum(
    step: Step, start: Tensor, truth: ReferenceRun, exponents: Sequence[float] | None, settings: Settings
) -> xr.Dataset:
    """Lyapunov exponents and dimension; NaN where the model left the finite numbers."""
    if not settings.spectrum_steps:
        return xr.Dataset()
    count = settings.exponents or start.shape[-1]
    found = _exponents(step, start, truth.dt, count, settings)
    units, dims, known = truth.rate_units, ("exponent",), np.full(count, np.nan)
    variables = {
        "lyapunov_exponents": _variable(dims, found.exponents, units, "Lyapunov exponents"),
        "lyapunov_standard_error": _variable(dims, found.standard_error, units, "standard error over members"),
        "lyapunov_running": _variable(("averaging_time", *dims), found.running, units, "running Lyapunov exponents"),
        "lyapunov_sum": _variable((), found.sum, units, "sum of the Lyapunov exponents"),
        "kaplan_yorke": _variable((), found.kaplan_yorke, "1", "Kaplan-Yorke dimension"),
    }
    if exponents is not None:
        known[: len(exponents)] = exponents[:count]
        variables["lyapunov_exponents_truth"] = _variable(dims, known, units, "Lyapunov exponents of the truth")
        if len(exponents) == start.shape[-1]:
            dimension = kaplan_yorke_dimension(np.asarray(exponents, np.float64))
            variables["kaplan_yorke_truth"] = _variable((), dimension, "1", "Kaplan-Yorke dimension of the truth")
    averaging = _variable(("averaging_time",), found.times, truth.time_units, "time that is averaged over")
    return xr.Dataset(variables, {"exponent": np.arange(1, count + 1), "averaging_time": averaging})


def _exponents(step: Step, start: Tensor, dt: float, count: int, settings: Settings) -> LyapunovSpectrum:
    try:
        return lyapunov_spectrum(
            step, start, dt, steps=settings.spectrum_steps, warm_up=settings.warm_up, exponents=count,
            seed=settings.seed,
        )  # fmt: skip
    except DivergedError:  # a result too, and the bounded share says so
        nothing = np.full(count, np.nan)
        return LyapunovSpectrum(nothing, nothing, nothing[None], np.array([np.nan]), start.shape[-1])
