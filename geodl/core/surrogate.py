"""A trained model with all that makes it trustworthy: Core for loops over tensors, Surrogate for Datasets."""

import copy
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

import geodl
from geodl.core import files, store
from geodl.core.blocks import blockwise
from geodl.core.contract import Baseline, Family, Tensors, family, flatten, unchanged
from geodl.core.guard import Guard, Intervals
from geodl.core.pack import Samples, pack, samples_of, unpack
from geodl.core.record import Record
from geodl.core.scaling import AbstractScaling, scaling
from geodl.core.schema import Schema, Variable, check, require_dataset, without_words
from geodl.core.stream import is_lazy, lazily
from geodl.errors import BundleError, DeviceError, DomainError, GeodlError, UnknownNameError, did_you_mean

DTYPES = {"float32": torch.float32, "float64": torch.float64}


class Core(nn.Module):
    """Physical tensors in, physical tensors out, in schema order; scaling happens inside and is differentiable.

    Scalings are shared by name: an output called like an input is the same quantity and can be fed back.
    """

    def __init__(self, schema: Schema, network: nn.Module, encode: Callable[[Tensors], Tensors] = unchanged):
        super().__init__()
        self._encode = encode
        self._names = names = list(dict.fromkeys(variable.name for variable in schema.variables))
        first = {variable.name: variable for variable in reversed(schema.variables)}
        self.scalings = nn.ModuleList(scaling(first[name], schema.shape(first[name])) for name in names)
        self._inputs = [names.index(variable.name) for variable in schema.inputs]
        self._outputs = [names.index(variable.name) for variable in schema.outputs]
        self._diagnostics = len(schema.diagnostics)
        self.network = network

    def _scaling(self, index: int) -> AbstractScaling:
        found = self.scalings[index]
        assert isinstance(found, AbstractScaling)
        return found

    def fit_scalings(self, inputs: Tensors, outputs: Tensors) -> None:
        """Fit every scaling once, on the inputs where a name stands on both sides.

        Raises:
            DomainError: a value has no image, such as the logarithm of zero.
        """
        pairs = [*zip(self._outputs, outputs, strict=True), *zip(self._inputs, inputs, strict=True)]
        for index, tensor in dict(pairs).items():
            try:
                self._scaling(index).fit(tensor)
            except DomainError as error:
                raise DomainError(f"'{self._names[index]}': {error}") from error

    def scale_inputs(self, inputs: Tensors) -> Tensors:
        return tuple(self._scaling(i)(x) for i, x in zip(self._inputs, inputs, strict=True))

    def encoded(self, inputs: Tensors) -> Tensors:
        """What the network sees of physical inputs."""
        return self._encode(self.scale_inputs(inputs))

    def scale_outputs(self, outputs: Tensors) -> Tensors:
        return tuple(self._scaling(i)(y) for i, y in zip(self._outputs, outputs, strict=True))

    def unscale_inputs(self, scaled: Tensors) -> Tensors:
        return tuple(self._scaling(i).inverse(z) for i, z in zip(self._inputs, scaled, strict=True))

    def forward(self, *inputs: Tensor) -> Tensors:
        return self.answer(self.encoded(inputs))[0]

    def answer(self, encoded: Tensors) -> tuple[Tensors, Tensors]:
        """Outputs in physical units, and in evaluation the diagnostics, of encoded inputs."""
        found = self.network(*encoded)
        count = len(self._outputs)
        outputs = tuple(self._scaling(i).inverse(z) for i, z in zip(self._outputs, found[:count], strict=True))
        return outputs, tuple(found[count:])

    def at(self) -> tuple[torch.dtype, torch.device]:
        """Where the weights live and in which precision."""
        tensor = next((t for t in [*self.parameters(), *self.buffers()] if t.is_floating_point()), torch.zeros(()))
        return tensor.dtype, tensor.device


class BaselineNetwork(nn.Module):
    """A fitted baseline in the place of a network, so that one Core serves both."""

    def __init__(self, baseline: Baseline, tensors: Mapping[str, Tensor]):
        super().__init__()
        self.baseline = baseline
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)

    def forward(self, *inputs: Tensor) -> Tensors:
        return self.baseline.predict(dict(self.named_buffers()), inputs)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a surrogate says of samples: outputs, the ends of their intervals, diagnostics, and whom to trust."""

    outputs: Tensors
    low: Tensors
    high: Tensors
    diagnostics: Tensors
    trusted: Tensor


@dataclasses.dataclass(frozen=True)
class Surrogate:
    """A trained member of a family. Call it on a Dataset; call ``surrogate.core`` on tensors.

    ``rivals`` are the fitted baselines, each as a Core.
    """

    family: Family
    core: Core
    guard: Guard
    intervals: Intervals
    rivals: Mapping[str, Core]
    record: Record

    def __call__(self, ds: xr.Dataset, *, outside: Literal["flag", "raise"] = "flag") -> xr.Dataset:
        """Predictions with interval bounds ``<name>_low`` and ``<name>_high``, and ``in_domain`` per sample.

        Samples with NaN, beyond physical bounds, or unlike the training data are flagged; NaN in gives NaN out.
        Where dask holds the inputs it holds the result too, and computes it block by block.

        Raises:
            SchemaError, UnitsError: the Dataset does not fit the schema.
            DomainError: with ``outside="raise"``, a sample is outside the domain.
        """
        if outside not in ("flag", "raise"):
            raise UnknownNameError(f"outside={outside!r}. {did_you_mean(str(outside), ['flag', 'raise'])}")
        require_dataset(ds)
        schema, ds = self.family.schema, self.family.complete(ds)
        if is_lazy(ds, schema):
            return lazily(functools.partial(self, outside=outside), ds, schema)
        checked = check(ds, schema.inputs, axes=schema.axes, finite=False)
        samples = samples_of(checked, schema.inputs)
        inputs = pack(checked, schema.inputs, self.core.at()[0], samples=samples)
        answer = self.judged(inputs)
        if outside == "raise" and not bool(answer.trusted.all()):
            raise DomainError(self._why(inputs, answer.trusted, samples))
        return self._labelled(answer, samples, ds.attrs)

    def judged(self, inputs: Tensors) -> "Answer":
        """Outputs and all that is said of them; every input is encoded once."""
        schema = self.family.schema
        values = iter(blockwise(self._judge, inputs, *self.core.at()))
        outputs, low, high = (tuple(itertools.islice(values, len(schema.outputs))) for _ in range(3))
        return Answer(outputs, low, high, tuple(itertools.islice(values, len(schema.diagnostics))), next(values))

    def _judge(self, *inputs: Tensor) -> Tensors:
        encoded = self.core.encoded(inputs)
        outputs, diagnostics = self.core.answer(encoded)
        schema, home = self.family.schema, self.guard.mean.device
        low, high = zip(*self.intervals.bounds(outputs), strict=True)
        ends = (
            _clamped(side, variable) for end in (low, high) for side, variable in zip(end, schema.outputs, strict=True)
        )
        within = self.guard(self.family.features(encoded).to(home))
        bounded = inside((*inputs, *diagnostics), (*schema.inputs, *schema.diagnostics))
        return *outputs, *ends, *diagnostics, within & bounded.to(home)

    def possible(self, inputs: Tensors) -> Tensor:
        """True for samples inside the physical bounds of the schema ``[sample]``."""
        return inside(inputs, self.family.schema.inputs)

    def in_domain(self, inputs: Tensors) -> Tensor:
        """True for samples inside physical bounds and inside the guarded domain ``[sample]``."""
        return self.possible(inputs) & self.guard(self.features(inputs))

    def features(self, inputs: Tensors) -> Tensor:
        """What the guard looks at ``[sample, feature]``."""

        def seen(*block: Tensor) -> Tensors:
            return (self.family.features(self.core.encoded(block)).to(self.guard.mean.device),)

        return blockwise(seen, inputs, *self.core.at())[0]

    def _why(self, inputs: Tensors, trusted: Tensor, samples: Samples) -> str:
        """Which variable of the first refused sample is worst, its value, and what would have been accepted."""
        row = int((~trusted).nonzero()[0])
        sample = tuple(x[row : row + 1] for x in inputs)
        features = self.features(sample)
        where = dict(zip(samples.sizes, np.unravel_index(row, tuple(samples.sizes.values())), strict=True))
        place = ", ".join(f"{dim}={int(i)}" for dim, i in where.items())
        head = (
            f"{int((~trusted).sum())} of {len(trusted)} samples lie outside the domain of validity. "
            f"Sample {row}{f' (isel {place})' if place else ''}: "
        )
        tail = (
            f"its distance from the training data is {float(self.guard.score(features)[0]):.3g}, "
            f"the limit {float(self.guard.threshold):.3g}. Use outside='flag' to get flags instead."
        )
        if self.family.features is not flatten or self.family.encode is not unchanged:
            return head + tail
        worst = int(self.guard.excess(features)[0].nan_to_num(nan=math.inf).argmax())
        low, high = (float(self.physical(limit[None], sample)[0, worst]) for limit in self.guard.limits())
        variable = [v for v, x in zip(self.family.schema.inputs, sample, strict=True) for _ in range(x.numel())][worst]
        unit = "(units '1')" if variable.units == "1" else variable.units
        value = f"'{variable.name}' is {float(flatten(sample)[0, worst]):g} {unit}"
        return f"{head}{value}, accepted alone from {low:.4g} to {high:.4g} {unit}; {tail}"

    def physical(self, features: Tensor, like: Tensors | None = None) -> Tensor:
        """Flattened scaled inputs ``[sample, value]`` in physical units; ``like`` tells the shapes of the inputs."""
        shapes = [x.shape[1:] for x in like] if like else [torch.Size() for _ in self.family.schema.inputs]
        parts = features.split([shape.numel() for shape in shapes], dim=1)
        scaled = tuple(part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True))
        return flatten(self.core.unscale_inputs(scaled))

    def _labelled(self, answer: "Answer", samples: Samples, attrs: Mapping[str, Any]) -> xr.Dataset:
        schema, level = self.family.schema, self.intervals.level
        labelled = unpack(answer.outputs, schema.outputs, schema, samples)
        for variable, *ends in zip(schema.outputs, answer.low, answer.high, strict=True):
            for side, end in zip(("low", "high"), ends, strict=True):
                words = f"{side} end of the {level:.0%} interval of {variable.name}"
                named = dataclasses.replace(variable, name=f"{variable.name}_{side}", about=words)
                labelled[named.name] = unpack([end], [named], schema, samples)[named.name]
        flags = (tuple(samples.sizes), answer.trusted.cpu().numpy().reshape(tuple(samples.sizes.values())))
        labelled["in_domain"] = (*flags, {"long_name": "inside the domain of validity", "units": "1"})
        labelled = labelled.assign(unpack(answer.diagnostics, schema.diagnostics, schema, samples).data_vars)
        return labelled.assign_attrs(self._attrs(attrs))

    def _attrs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        line = f"geodl {geodl.__version__}: predicted by a surrogate of the family {self.family.name}"
        history = f"{given['history']}\n{line}" if "history" in given else line
        ours = {
            "Conventions": "CF-1.11",
            "geodl_version": geodl.__version__,
            "geodl_model_sha256": self.sha256,
        }
        return {**given, **ours, "history": history}

    def to(self, device: str) -> "Surrogate":
        """A copy on another device.

        Raises:
            DeviceError: the device does not exist here.
        """
        target = device_of(device)
        return dataclasses.replace(
            self,
            core=copy.deepcopy(self.core).to(target),
            rivals={name: copy.deepcopy(rival).to(target) for name, rival in self.rivals.items()},
        )

    @property
    def sha256(self) -> str:
        """The digest that the saved bundle carries."""
        return store.digest_of(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The bundle as bytes; equal surrogates give equal bytes."""
        parts = {"core": self.core, "guard": self.guard, "intervals": self.intervals}
        parts |= {f"rivals.{name}": rival.network for name, rival in self.rivals.items()}
        tensors = {f"{part}.{name}": t for part, module in parts.items() for name, t in module.state_dict().items()}
        content = {
            "family": self.family.name,
            "options": dict(self.family.options),
            "schema": self.family.schema.describe(),
            "interval_level": self.intervals.level,
            "dtype": str(self.core.at()[0]).removeprefix("torch."),
            "rivals": list(self.rivals),
            "record": dataclasses.asdict(self.record),
        }
        return store.to_bytes(tensors, content)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the bundle atomically.

        Raises:
            OutputError: the file exists without ``overwrite``, or cannot be written.
        """
        files.write_bytes(path, self.to_bytes(), overwrite=overwrite)


def inside(tensors: Sequence[Tensor], variables: Sequence[Variable]) -> Tensor:
    """True for samples of which every variable is within its bounds ``[sample]``."""
    bounds = zip(tensors, variables, strict=True)
    return torch.stack([((x >= v.low) & (x <= v.high)).reshape(x.shape[0], -1).all(1) for x, v in bounds]).all(0)


def _clamped(end: Tensor, variable: Variable) -> Tensor:
    """The end of an interval, within what physics allows."""
    return end.clamp(variable.low, variable.high) if variable.bounded else end


def predict(core: Core, inputs: Tensors) -> Tensors:
    """A core applied to tensors of any length in blocks, on the core's device; the result is on the inputs'."""
    return blockwise(core, inputs, *core.at())


def device_of(name: str) -> torch.device:
    """The device of a name, made sure to exist.

    Raises:
        DeviceError: it does not.
    """
    try:
        torch.zeros(1, device=name).cpu()
    except (RuntimeError, AssertionError) as error:
        there = "cpu, cuda" if torch.cuda.is_available() else "cpu"
        raise DeviceError(
            f"the device {name!r} is not on this machine, which has: {there}. Ask for one of these."
        ) from error
    return torch.device(name)


def pretrained() -> dict[str, Path]:
    """Bundles that come with the library, by name."""
    return {path.stem: path for path in (files.data_folder() / "models").glob("*.safetensors")}


def load(path_or_name: str | Path, *, device: str = "cpu") -> Surrogate:
    """A surrogate from a bundle file, or by the name of a pretrained one; nothing in the file is ever run.

    Raises:
        UnknownNameError: neither a file nor a pretrained bundle.
        BundleError: the file is not a bundle, is corrupted, too new, or does not fit its family.
    """
    path = Path(path_or_name)
    if not path.exists():
        known = pretrained()
        if str(path_or_name) not in known:
            beside = [found.name for found in path.parent.glob("*.safetensors")]
            hint = did_you_mean(path.name, [*known, *beside])
            raise UnknownNameError(f"there is no file and no pretrained bundle {path_or_name}. {hint}")
        path = known[str(path_or_name)]
    try:
        surrogate = from_bytes(store.read(path))
    except BundleError as error:
        raise type(error)(f"{path}: {error}") from error
    except (GeodlError, AttributeError, KeyError, TypeError, ValueError) as error:  # well signed, but not by save
        raise BundleError(f"{path}: its content does not fit geodl {geodl.__version__}: {error}") from error
    return surrogate if device == "cpu" else surrogate.to(device)


def from_bytes(raw: bytes) -> Surrogate:
    """The surrogate that a bundle holds.

    Raises:
        BundleError: not a bundle, or its content does not fit the family it names.
    """
    tensors, content = store.from_bytes(raw)
    if "family" not in content:
        raise BundleError("it holds no surrogate and names no family; a checkpoint is for fit(folder=…) to resume")
    try:
        return _assembled(tensors, content)
    except (KeyError, TypeError, AttributeError) as error:
        if isinstance(error, UnknownNameError):
            raise
        raise BundleError(f"its content is incomplete or of the wrong kind: {error!r}") from error


def _assembled(tensors: Mapping[str, Tensor], content: Mapping[str, Any]) -> Surrogate:
    made = family(content["family"], **content["options"])
    if without_words(made.schema.describe()) != without_words(content["schema"]):
        raise BundleError(f"the bundle's schema is not the one that family {made.name!r} has with these options today")
    core = Core(made.schema, made.build(), made.encode).to(DTYPES[content["dtype"]])
    _fill(core, store.take(tensors, "core."))
    guard, intervals = Guard(), Intervals([v.scale for v in made.schema.outputs], content["interval_level"])
    store.set_buffers(guard, store.take(tensors, "guard."))
    store.set_buffers(intervals, store.take(tensors, "intervals."))
    rivals = {name: rival(made, name, core, store.take(tensors, f"rivals.{name}.")) for name in content["rivals"]}
    return Surrogate(made, core.eval(), guard, intervals, rivals, Record(**content["record"]))


def _fill(core: Core, tensors: Mapping[str, Tensor]) -> None:
    try:
        core.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise BundleError(f"the bundle's weights do not fit the network: {error}") from error


def rival(made: Family, name: str, core: Core, tensors: Mapping[str, Tensor]) -> Core:
    """A fitted baseline as a Core that shares the scalings of the surrogate.

    Raises:
        BundleError: the family has no such baseline.
    """
    if name not in made.baselines:
        raise BundleError(f"family {made.name!r} has no baseline {name!r}. {did_you_mean(name, made.baselines)}")
    found = Core(made.schema, BaselineNetwork(made.baselines[name], tensors))
    found.scalings = core.scalings
    return found.eval()
