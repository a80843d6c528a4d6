"""The model card: one self-contained HTML page that shows what a surrogate is, how good, and where it holds."""

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from geodl.core import files
from geodl.core.contract import Claim, flatten
from geodl.core.pack import Samples, unpack
from geodl.core.settings import brief
from geodl.core.surrogate import Surrogate, predict
from geodl.train import plots
from geodl.train.evaluate import evaluate
from geodl.train.fit import prepare

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMED = 8  # entries with names, such as flows, that get a row each


def report(
    surrogate: Surrogate,
    test: xr.Dataset,
    path: str | Path,
    *,
    claims: Sequence[Claim] = (),
    note: str = "",
    overwrite: bool = False,
) -> Path:
    """Write the report of a surrogate on test data; ``claims`` and ``note`` add the table of a reproduction.

    Raises:
        OutputError: the file exists without ``overwrite``, or cannot be written.
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
    """
    files.write_bytes(path, render(surrogate, test, claims, note).encode(), overwrite=overwrite)
    return Path(path)


def render(surrogate: Surrogate, test: xr.Dataset, claims: Sequence[Claim] = (), note: str = "") -> str:
    """The page as text."""
    import jinja2

    scores = evaluate(surrogate, test)
    names = [variable.name for variable in surrogate.family.schema.outputs]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((Path(__file__).parent / "report.html").read_text())
    return template.render(
        family=surrogate.family,
        record=surrogate.record,
        sha256=surrogate.sha256,
        claims=[claim.row() for claim in claims],
        note=note,
        scores=_score_table(scores, names),
        coverage=_coverage_table(scores, names, surrogate.intervals.level),
        domain=_domain_table(surrogate),
        trusted=f"{float(scores['in_domain']):.1%}",
        options=json.dumps({key: brief(value) for key, value in surrogate.family.options.items()}),
        figures=[(title, _embedded(figure)) for title, figure in _figures(surrogate, test, scores, names).items()],
        number=_number,
    )


def _figures(surrogate: Surrogate, test: xr.Dataset, scores: xr.Dataset, names: list[str]) -> "dict[str, Figure]":
    own = surrogate.family.figures(surrogate, test) if surrogate.family.figures else {}
    inputs, outputs = prepare(surrogate.family, test, surrogate.core.at()[0])
    schema, rows = surrogate.family.schema, Samples({"sample": len(inputs[0])}, {})
    predicted = unpack(predict(surrogate.core, inputs), schema.outputs, schema, rows)
    truth = unpack(outputs, schema.outputs, schema, rows)
    return {
        **own,
        "Error of every model": plots.scores_by_model(scores, names),
        "Predicted against true": plots.predicted_against_true(predicted, truth, names),
        "Loss during training": plots.loss_curves(surrogate.record.history),
    }


def _score_table(scores: xr.Dataset, names: list[str]) -> list[dict[str, Any]]:
    """A row per score: what, units, and the number of every model; trailing dimensions at first, middle and last.

    Of a family's own scores those stand here whose attribute ``best`` says which values are good, low or high.
    """
    rows = []
    for name in [f"rmse_{n}" for n in names] + [n for n in scores.data_vars if "best" in scores[n].attrs]:
        array = scores[name]
        dims = [dim for dim in array.dims if dim != "model"]
        for where, values in _picked(array, dims):
            cells = dict(zip(map(str, array["model"].values), values, strict=True))
            best = max if array.attrs.get("best") == "high" else min
            rows.append({
                "name": array.attrs["long_name"] + where, "units": array.attrs["units"], "cells": cells,
                "best": best(cells, key=lambda model: cells[model]),
            })  # fmt: skip
    return rows


def _picked(array: xr.DataArray, dims: list[Any]) -> list[tuple[str, list[float]]]:
    if not dims:
        return [("", array.values.tolist())]
    if len(dims) == 1 and dims[0] in array.coords:
        dim, size = dims[0], array.sizes[dims[0]]
        label = array[dim]
        names = label.dtype.kind in "UO"  # flows have no order: all of them, if they are few
        if names and size > NAMED:
            return [(", median", array.median(dims).values.tolist())]
        entries = range(size) if names else sorted({0, size // 2 - 1 if size > 2 else 0, size - 1})
        return [
            (f" at {dim} {label.values[i]} {_unit(label)}".rstrip(), array.isel({dim: i}).values.tolist())
            for i in entries
        ]
    return [(", median", array.median(dims).values.tolist())]


def _unit(label: xr.DataArray) -> str:
    units = str(label.attrs.get("units", ""))
    return "" if units == "1" else units


def _coverage_table(scores: xr.Dataset, names: list[str], level: float) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "nominal": f"{level:.0%}",
            "measured": f"{float(scores[f'coverage_{name}'].mean()):.1%}",
        }
        for name in names
    ]


def _domain_table(surrogate: Surrogate) -> list[dict[str, Any]]:
    """Accepted range of every input, where inputs are single numbers and the guard looks at them directly."""
    variables = surrogate.family.schema.inputs
    if surrogate.family.features is not flatten or any(variable.dims for variable in variables):
        return []
    low, high = (surrogate.physical(limit.reshape(1, -1)) for limit in surrogate.guard.limits())
    return [
        {
            "name": v.name,
            "about": v.about,
            "units": v.units,
            "low": float(low[0, i]),
            "high": float(high[0, i]),
        }
        for i, v in enumerate(variables)
    ]


def _embedded(figure: "Figure") -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode()


def _number(value: float | None) -> str:
    """Three significant digits; a dash where there is nothing."""
    return "–" if value is None or np.isnan(value) else f"{value:.3g}"
