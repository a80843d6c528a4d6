"""What lies beside a graph: its arguments, recorded samples to check it by, and words."""

from typing import Any

from safetensors.numpy import save

import geodl
from geodl.core.surrogate import Surrogate
from geodl.exports.graph import STATUS, Traced
from geodl.exports.manual import as_json, described

LOADED = {
    "onnx": """\
    import onnxruntime
    session = onnxruntime.InferenceSession("{name}.onnx")
    *outputs, status = session.run(None, {{{given}}})""",
    "pt2": """\
    import torch
    call = torch._inductor.aoti_load_package("{name}.pt2")
    *outputs, status = call({names})""",
}
ABOUT = {
    "onnx": "A graph with scalings, constraints, guard and status in it, for onnxruntime and whatever else takes ONNX",
    "pt2": "A package that torch has compiled for one device, with scalings, constraints, guard and status in it",
}


def beside(name: str, format: str, made: Traced, surrogate: Surrogate) -> dict[str, str | bytes]:
    """schema.json, README.md and recorded.safetensors."""
    return {
        "schema.json": as_json(description(name, format, made, surrogate)),
        "README.md": readme(name, format, made, surrogate),
        "recorded.safetensors": save(made.recorded),
    }


def description(name: str, format: str, made: Traced, surrogate: Surrogate) -> dict[str, Any]:
    """What `geodl.Handle` must know, as plain JSON values."""
    dtype, device = surrogate.core.at()
    labels = {axis.name: [str(label) for label in axis.labels] for axis in surrogate.family.schema.axes}
    return {
        **described(name, format, made.arguments, surrogate),
        "dtype": str(dtype).removeprefix("torch."),
        "device": device.type,
        "shapes": {key: list(values.shape[1:]) for key, values in made.recorded.items()},
        "axes": labels,
        "status": list(STATUS),
    }


def readme(name: str, format: str, made: Traced, surrogate: Surrogate) -> str:
    """README of the folder."""
    shapes = {key: ", ".join(["sample", *map(str, x.shape[1:])]) for key, x in made.recorded.items()}
    rows = "\n".join(f"| `{a.name}` | {a.kind} | {shapes[a.name]} | {a.units} | {a.about} |" for a in made.arguments)
    inputs = [a.name for a in made.arguments if a.kind == "in"]
    words = {"name": name, "names": ", ".join(inputs), "given": ", ".join(f'"{n}": {n}' for n in inputs)}
    status = "\n".join(f"- {i}: {text}" for i, text in enumerate(STATUS))
    return f"""\
# {name}

{surrogate.family.about}. {ABOUT[format]}. Made by geodl {geodl.__version__} of the bundle with the SHA-256
`{surrogate.sha256}`. Licence of its training data: {surrogate.record.licence}.

{LOADED[format].format(**words)}

or, without a word on either, `geodl.Handle("{name}")({words["names"]})`. All are
{made.recorded[inputs[0]].dtype}, in this order:

| argument | | shape | units | |
|---|---|---|---|---|
{rows}

Then comes a status for each sample:

{status}

`recorded.safetensors` has a few samples, and what came out of them when this was written.
"""
