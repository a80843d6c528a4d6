"""Long forecasts: a core applied to its own last lead, again and again."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from geodl.core.contract import Tensors
from geodl.core.pack import pack, samples_of, unpack
from geodl.core.progress import progress
from geodl.core.schema import Axis, Schema, check
from geodl.core.surrogate import Core, Surrogate


@torch.no_grad()
def rollout(core: Core, start: Tensors, steps: int, *, show: bool = False) -> Tensor:
    """States at 0, 1, …, steps data intervals ``[step + 1, sample, component]`` in physical units."""
    dtype, device = core.at()
    state = tuple(x.to(device, dtype) for x in start)
    path, done = [torch.stack(state, -1)[None]], 0
    with progress("forecasting", steps, show=show) as advance:
        while done < steps:
            leads = torch.stack(core(*state), -1).transpose(0, 1)  # [lead, sample, component]
            path.append(leads)
            state = tuple(leads[-1].unbind(-1))
            done += len(leads)
            advance(done, "")
    return torch.cat(path)[: steps + 1]


def forecast(surrogate: Surrogate, starts: xr.Dataset, steps: int) -> xr.Dataset:
    """Trajectories of ``steps`` data intervals from every state of a Dataset; ``lead`` holds the time since the start.

    Intervals and flags of ``surrogate(starts)`` hold for its own lead times; a long forecast of a chaotic system has
    neither, and its skill is what ``evaluate`` reports as valid prediction time.

    Raises:
        SchemaError, UnitsError, NonFiniteError: the starts do not fit the family.
    """
    schema = surrogate.family.schema
    checked = check(starts, schema.inputs, axes=schema.axes)
    path = rollout(surrogate.core, pack(checked, schema.inputs, surrogate.core.at()[0]), steps, show=True)
    lead = schema.axes[0]
    dt = lead.labels[0]
    axis = Axis(lead.name, tuple((np.arange(steps + 1) * dt).tolist()), lead.units, lead.about)
    longer = Schema(schema.inputs, schema.outputs, (axis, *schema.axes[1:]))
    tensors = tuple(component.transpose(0, 1) for component in path.unbind(-1))
    return unpack(tensors, schema.outputs, longer, samples_of(checked, schema.inputs)).assign_attrs(starts.attrs)
