"""Names that do not exist, options and settings of the wrong kind: refused with the near name or what is allowed."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import xarray as xr

import geodl
from geodl.errors import DeviceError, GeodlError, OptionError, UnitsError, UnknownNameError
from geodl.testing import assert_refused


def device(name: str) -> Callable[[], Any]:
    nothing = xr.Dataset()
    return lambda: geodl.fit(geodl.family("dynamics"), nothing, nothing, config=geodl.FitConfig(device=name))


NAMES: dict[str, tuple[Callable[[], Any], type[GeodlError], tuple[str, ...]]] = {
    "family": (lambda: geodl.family("dynamic"), UnknownNameError, ("'dynamic'", "Did you mean 'dynamics'?")),
    "option": (lambda: geodl.family("dynamics", lead=3), UnknownNameError, ("'lead'", "Did you mean 'leads'?")),
    "option of the wrong type": (
        lambda: geodl.family("dynamics", leads="three"), OptionError, ("'leads' is 'three'", "integer"),
    ),
    "option out of bounds": (
        lambda: geodl.family("dynamics", leads=0), OptionError, ("'leads' is 0", "greater than 0"),
    ),
    "option that is infinite": (
        lambda: geodl.family("dynamics", dt=float("inf")), OptionError, ("'dt' is inf", "finite"),
    ),
    "option of another list": (
        lambda: geodl.family("dynamics", field="bilinea"), OptionError, ("'field' is 'bilinea'", "'mlp' or 'bilinear'"),
    ),
    "state without units": (
        lambda: geodl.family("dynamics", system="data", state=["T"]), OptionError, ("'state' is ['T']", "object"),
    ),
    "state with units that do not exist": (
        lambda: geodl.family("dynamics", system="data", state={"T": "kelwin"}), UnitsError, ("'kelwin'", "'K'"),
    ),
    "state of one's own in a known system": (
        lambda: geodl.family("dynamics", state={"T": "K"}), OptionError, ("'lorenz63'", "{'T': 'K'}", "system='data'"),
    ),
    "setting": (lambda: geodl.FitConfig(epoch=3), UnknownNameError, ("'epoch'", "Did you mean 'epochs'?")),
    "setting of the wrong type": (
        lambda: geodl.FitConfig(epochs="3"), OptionError, ("'epochs' is '3'", "valid integer"),
    ),
    "setting out of bounds": (
        lambda: geodl.FitConfig(learning_rate=-1.0), OptionError, ("'learning_rate' is -1.0", "greater than 0"),
    ),
    "setting of another list": (
        lambda: geodl.FitConfig(optimizer="adamm"), OptionError,
        ("'optimizer' is 'adamm'", "'adam', 'adamw', 'muon' or 'lbfgs'"),
    ),
    "sample": (
        lambda: geodl.open_sample("lorenz63/dt01"), UnknownNameError,
        ("'lorenz63/dt01'", "Did you mean 'lorenz63/dt001'?"),
    ),
    "pretrained bundle": (
        lambda: geodl.load("dynamics-lorentz63"), UnknownNameError,
        ("dynamics-lorentz63", "Did you mean 'dynamics-lorenz63'?"),
    ),
    "reproduction": (
        lambda: geodl.reproduce("lorenz36"), UnknownNameError, ("'lorenz36'", "Did you mean 'lorenz63'?"),
    ),
    "device": (device("gpu"), DeviceError, ("'gpu'", "cpu", "Ask for one")),
    "device that holds nothing": (device("meta"), DeviceError, ("'meta'", "cpu", "Ask for one")),
    "device that is one too many": (device("cuda:99"), DeviceError, ("'cuda:99'", "cpu", "Ask for one")),
}  # fmt: skip


@pytest.mark.parametrize("mistake", NAMES)
def test_what_does_not_exist_is_refused_with_what_does(mistake: str):
    call, error, words = NAMES[mistake]
    assert_refused(error, call, *words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_cuda_asked_for_where_there_is_none_is_refused(surrogate: geodl.Surrogate):
    assert_refused(DeviceError, device("cuda"), "'cuda'", "cpu", "Ask for one")
    assert_refused(DeviceError, lambda: surrogate.to("cuda"), "'cuda'", "cpu", "Ask for one")


TOML = {
    'epochs = "3"': (OptionError, ("'epochs' is '3'", "valid integer")),
    "epochs = 2.5": (OptionError, ("'epochs' is 2.5", "valid integer")),
    "epochs = true": (OptionError, ("'epochs' is True", "valid integer")),
    "clip = nan": (OptionError, ("'clip' is nan", "finite")),
    "clip = 2024-01-01": (OptionError, ("'clip' is datetime.date(2024, 1, 1)", "plain number")),
    "epochs = [3]": (OptionError, ("'epochs' is [3]", "valid integer")),
    "betch_size = 4": (UnknownNameError, ("'betch_size'", "Did you mean 'batch_size'?")),
    "[fit]\nepochs = 3": (UnknownNameError, ("'fit'", "Known: amp, batch_size")),
    "epochs = ": (OptionError, ("is not TOML", "Invalid value", "epochs = 500")),
    "epochs: 3": (OptionError, ("is not TOML", "epochs = 500")),
    "# \xe9\xe8": (OptionError, ("is not TOML", "utf-8")),
}


@pytest.mark.parametrize("text", TOML)
def test_a_settings_file_with_a_mistake_is_refused(text: str, tmp_path):
    (tmp_path / "run.toml").write_text(text, encoding="latin-1")
    error, words = TOML[text]
    assert_refused(error, lambda: geodl.FitConfig.from_toml(tmp_path / "run.toml"), *words)
