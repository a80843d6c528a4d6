"""From a family and Datasets to a trained, guarded, calibrated surrogate."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from geodl.core.contract import Family, Tensors
from geodl.core.guard import Guard, Intervals, conformal_quantile
from geodl.core.pack import Samples, pack, samples_of
from geodl.core.record import Record, describe_data
from geodl.core.schema import check, require_dataset
from geodl.core.surrogate import DTYPES, Core, Surrogate, device_of, predict, rival
from geodl.errors import OptionError
from geodl.train.config import FitConfig
from geodl.train.loop import Pairs, Run, train


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Run a block with this many torch threads, or with those there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _exact_convolutions() -> contextlib.AbstractContextManager[None]:
    """On CUDA: the same algorithm every time, and no rounding to 10 bits on the way."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


def prepare(family: Family, ds: xr.Dataset, dtype: torch.dtype) -> Pairs:
    """Samples of a family cut out of raw data, checked, as (inputs, outputs) in schema order and physical units.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the data do not fit the family.
    """
    require_dataset(ds)
    schema = family.schema
    sides = zip(family.samples(ds), (schema.inputs, schema.outputs), strict=True)
    checked = [(check(side, variables, axes=schema.axes), variables) for side, variables in sides]
    found = [samples_of(side, variables) for side, variables in checked]
    samples = Samples({**found[0].sizes, **found[1].sizes}, {**found[0].coords, **found[1].coords})
    inputs, outputs = (pack(side, variables, dtype, samples=samples) for side, variables in checked)
    return inputs, outputs


def fit(
    family: Family,
    train_data: xr.Dataset,
    valid_data: xr.Dataset,
    *,
    config: FitConfig | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    show: bool = True,
) -> Surrogate:
    """Train a surrogate; the same seed gives the same bits, on CUDA as far as torch's operations do.

    Args:
        train_data, valid_data: parts that share no group (see ``split``). The validation part chooses the weights
            and calibrates guard and intervals; it never moves a weight.
        config: training settings; without them the family's own.
        folder: keeps checkpoints and a log, and resumes from there.
        show: progress bar on a terminal.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the data do not fit the family.
        DeviceError: the device does not exist.
        DivergedError: the loss stopped being a number.
        SplitError: too few validation samples to calibrate on.
        ResumeError: the folder holds the checkpoint of another run.
    """
    _require(family, config)
    config = config or FitConfig.parse(family.settings)
    device, dtype = device_of(config.device), DTYPES[config.dtype]
    parts = {"train": prepare(family, train_data, dtype), "valid": prepare(family, valid_data, dtype)}
    conformal_quantile(torch.zeros(len(parts["valid"][0][0])), config.coverage)  # refuses too few before the training
    described = {name: describe_data(ds, *parts[name]) for name, ds in (("train", train_data), ("valid", valid_data))}
    on_device = {name: (_to(inputs, device), _to(outputs, device)) for name, (inputs, outputs) in parts.items()}
    identity = {"family": family.name, "options": dict(family.options), "data": described, "seed": seed}
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), threads(config.threads), _exact_convolutions():
        torch.manual_seed(seed)
        core = Core(family.schema, family.build(), family.encode).to(device, dtype)
        core.fit_scalings(*on_device["train"])
        seen = {name: _seen(core, pair) for name, pair in on_device.items()}
        if family.warm_start:
            family.warm_start(core.network, *seen["train"])
        run = Run(
            core.network, family.loss, seen["train"], seen["valid"], config,
            seed=seed, identity=identity | {"settings": config.jsonable()},
        )  # fmt: skip
        train(run, folder=None if folder is None else Path(folder), show=show)
        if family.calibrate:
            with torch.no_grad():
                family.calibrate(core.network.eval(), *seen["train"])
    guard, intervals = Guard(), Intervals([v.scale for v in family.schema.outputs], config.coverage)
    train_features, valid_features = (family.features(seen[name][0]).cpu() for name in ("train", "valid"))
    guard.fit(train_features, valid_features, config.false_alarms)
    inputs, truth = on_device["valid"]
    intervals.fit(_to(predict(core, inputs), torch.device("cpu")), _to(truth, torch.device("cpu")))
    rivals = _rivals(family, core, on_device["train"])
    return Surrogate(family, core, guard, intervals, rivals, _record(run, described, family.citations))


def _record(run: Run, described: dict[str, dict[str, Any]], citations: tuple[str, ...]) -> Record:
    """Where the surrogate comes from; without times, so that equal runs leave equal records."""
    history = [{key: value for key, value in entry.items() if key != "seconds"} for entry in run.history]
    words = described["train"]
    licence = words.get("license", words.get("licence", "not stated"))
    return Record(run.seed, run.config.jsonable(), described, history, citations, licence)


def _require(family: object, config: object) -> None:
    if not isinstance(family, Family):
        raise OptionError(f"family is {family!r}, expected a Family: write geodl.family(name, option=…)")
    if not isinstance(config, FitConfig | None):
        raise OptionError(f"config is {config!r}, expected a FitConfig: write geodl.FitConfig.parse({{key: value}})")


def _rivals(family: Family, core: Core, train_pairs: Pairs) -> dict[str, Core]:
    """The baselines, fitted to scaled inputs and outputs."""
    scaled = core.scale_inputs(train_pairs[0]), core.scale_outputs(train_pairs[1])
    return {name: rival(family, name, core, baseline.fit(*scaled)) for name, baseline in family.baselines.items()}


def _to(tensors: Tensors, device: torch.device) -> Tensors:
    return tuple(tensor.to(device) for tensor in tensors)


def _seen(core: Core, pair: Pairs) -> Pairs:
    """What network and loss see of physical inputs and outputs."""
    return core.encoded(pair[0]), core.scale_outputs(pair[1])
