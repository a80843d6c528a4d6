"""Flows of a kind that the network never saw: is it still better than the training mean, and does it know?"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from jaxtyping import Bool, Float
from torch import Tensor

from geodl.core.contract import Claim, family
from geodl.core.surrogate import Surrogate, predict
from geodl.errors import SchemaError, UnknownNameError, did_you_mean
from geodl.train.config import FitConfig
from geodl.train.fit import fit, prepare
from geodl.train.metrics import auroc

FLAG = "expected_error"  # the diagnostic of which the bar is demanded
LARGE = 0.95  # quantile of the errors of the training cells, above which an error is large
_EPOCHS, _QUICK_EPOCHS = 20, 10  # a third of the usual: there are nine networks to train
_QUICK_EVERY = 3  # cells of which a quick study trains on one


@dataclasses.dataclass(frozen=True)
class Judged:
    """Cells of which the truth is known: lengths |b − b_true| of the network and of the training mean, and doubts.

    Attributes:
        known: the flow is of a kind that the network was trained on.
        trusted: the flag ``in_domain``.
        doubts: measures of distrust ``[cell]`` by name, larger where less is to be expected.
    """

    flow: str
    known: bool
    errors: Float[np.ndarray, "cell"]
    mean_errors: Float[np.ndarray, "cell"]
    trusted: Bool[np.ndarray, "cell"]
    doubts: Mapping[str, Float[np.ndarray, "cell"]]

    @property
    def ratio(self) -> float:
        """F of the network over F of the training mean."""
        return rms(self.errors) / rms(self.mean_errors)


def transfer_case(left_out: str, train: xr.Dataset, valid: xr.Dataset, *, seed: int, quick: bool) -> list[Claim]:
    """Train without one kind of flow and judge on it, and on the validation flows of the other kinds.

    Args:
        left_out: a value of the coordinate ``family``, "duct", "step" or "hill" in the Closure Challenge.
        train: flows to learn from; those of the kind that is left out are judged.
        valid: flows that choose the weights; those of the kind that is left out are judged.
        quick: trains on a third of the cells, for ten epochs.
    Raises:
        SchemaError: the cells have no coordinate ``family``.
        UnknownNameError: no flow, or every flow, is of that kind.
    """
    there = {str(kind) for ds in (train, valid) for kind in _kinds(ds)}
    if left_out not in there:
        raise UnknownNameError(f"no flow is of the family {left_out!r}. {did_you_mean(left_out, there)}")
    train_kept, valid_kept = without(train, left_out), without(valid, left_out)
    made = family("turbulence", remainder=False)
    config = FitConfig.parse({**made.settings, "epochs": _QUICK_EPOCHS if quick else _EPOCHS})
    fitted = train_kept.isel(cell=slice(None, None, _QUICK_EVERY if quick else 1))
    surrogate = fit(made, fitted, valid_kept, config=config, seed=seed)
    large = np.quantile(judged(surrogate, fitted, known=True).errors, LARGE)
    others = [only(ds, left_out) for ds in (train, valid)]
    sides = [(ds, False) for ds in others if ds.sizes["cell"]] + [(valid_kept, True)]
    found = [judged(surrogate, flow, known=known) for ds, known in sides for flow in flows(ds)]
    return [*errors_claimed(left_out, found), *doubts_claimed(left_out, found, float(large))]


def of_seeds(runs: Sequence[Sequence[Claim]]) -> list[Claim]:
    """The same claims from several seeds as one: the worst for the bar, the mean where there is none."""
    found = list[Claim]()
    for same in zip(*runs, strict=True):
        combine = np.mean if same[0].bar is None else max if same[0].bar[0] == "<=" else min
        found.append(dataclasses.replace(same[0], measured=float(combine([claim.measured for claim in same]))))
    return found


def errors_claimed(left_out: str, found: list[Judged]) -> list[Claim]:
    """F on the flows of the kind that was left out, beside the mean tensor of the training cells."""
    new = [one for one in found if not one.known]
    worst = max(one.ratio for one in new)
    about = f"without {left_out}"
    return [
        Claim(f"{about}: F, its {len(new)} flows pooled", rms(np.concatenate([one.errors for one in new])), "1"),
        Claim(f"{about}: F of the training mean", rms(np.concatenate([one.mean_errors for one in new])), "1"),
        Claim(f"{about}: F over that of the training mean, worst flow", worst, "1", bar=("<=", 1.05)),
    ]


def doubts_claimed(left_out: str, found: list[Judged], large: float) -> list[Claim]:
    """AUROC of each measure of distrust for errors above ``large``, and for the kind itself.

    The bar is put on :data:`FLAG` over the flows of all kinds. The other numbers say where it comes from: an AUROC
    for the kind tells how well a measure knows the flow, one within the kind how well it knows the cells.
    """
    event = np.concatenate([one.errors > large for one in found])
    known = np.concatenate([np.full(len(one.errors), one.known) for one in found])
    trusted = np.concatenate([one.trusted for one in found])
    about, claims = f"without {left_out}", list[Claim]()
    for name in found[0].doubts:
        doubt = np.concatenate([one.doubts[name] for one in found])
        bar = (">=", 0.9) if name == FLAG else None
        claims += [
            Claim(f"{about}: AUROC of {name}, large error, all kinds", auroc(doubt, event), "1", bar=bar),
            Claim(f"{about}: AUROC of {name}, large error, {left_out}", auroc(doubt[~known], event[~known]), "1"),
            Claim(f"{about}: AUROC of {name}, large error, other kinds", auroc(doubt[known], event[known]), "1"),
            Claim(f"{about}: AUROC of {name}, kind", auroc(doubt, ~known), "1"),
        ]
    for kind, cells in ((left_out, ~known), ("other kinds", known)):
        claims += [
            Claim(f"{about}: share of large errors, {kind}", float(event[cells].mean()), "1"),
            Claim(f"{about}: share not in_domain, {kind}", float((~trusted[cells]).mean()), "1"),
        ]
    return claims


def judged(surrogate: Surrogate, ds: xr.Dataset, *, known: bool) -> Judged:
    """Errors and doubts of the cells of a Dataset whose reference can be trusted."""
    inputs, (truth, _) = prepare(surrogate.family, ds, surrogate.core.at()[0])
    answer = surrogate.judged(inputs)
    names = [variable.name for variable in surrogate.family.schema.diagnostics]
    doubts = dict(zip(names, answer.diagnostics, strict=True)) | {
        "guard": surrogate.guard.score(surrogate.features(inputs))
    }
    mean = predict(surrogate.rivals["training mean"], inputs)[0]
    return Judged(
        flow=str(ds["flow"].values[0]),
        known=known,
        errors=_lengths(answer.outputs[0] - truth),
        mean_errors=_lengths(mean - truth),
        trusted=answer.trusted.numpy(),
        doubts={name: doubt.double().numpy() for name, doubt in doubts.items()},
    )


def rms(errors: Float[np.ndarray, "cell"]) -> float:
    """F of lengths of errors: the root of their mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))


def without(ds: xr.Dataset, kind: str) -> xr.Dataset:
    """Cells of flows of other kinds.

    Raises:
        SchemaError: the cells have no coordinate ``family``.
        UnknownNameError: none is left.
    """
    kept = ds.isel(cell=_kinds(ds) != kind)
    if kept.sizes["cell"] == 0:
        raise UnknownNameError(f"every flow is of the family {kind!r}: add flows of another one to learn from")
    return kept


def only(ds: xr.Dataset, kind: str) -> xr.Dataset:
    """Cells of flows of one kind, perhaps none."""
    return ds.isel(cell=_kinds(ds) == kind)


def flows(ds: xr.Dataset) -> list[xr.Dataset]:
    """One Dataset for each flow."""
    names = ds["flow"].values
    return [ds.isel(cell=names == name) for name in np.unique(names)]


def _kinds(ds: xr.Dataset) -> np.ndarray:
    if "family" not in ds.coords:
        raise SchemaError("the cells have no coordinate 'family': ds.assign_coords(family=('cell', kinds_of_flows))")
    return np.asarray(ds["family"].values)


def _lengths(tensor: Tensor) -> np.ndarray:
    found: np.ndarray = torch.linalg.matrix_norm(tensor.double()).numpy()
    return found
