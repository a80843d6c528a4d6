"""The README does what it says."""

import re
from pathlib import Path

import numpy as np
import xarray as xr

ROOT = Path(__file__).parents[1]


def own_file(path: Path) -> None:
    """A file of the names and units that the README speaks of: members of a damped oscillation."""
    phase = 0.3 * np.arange(60) + np.linspace(0, 6, 20)[:, None]
    values = {"T": (10 + np.cos(phase), "degC"), "S": (35 + 0.1 * np.sin(phase) * np.cos(phase), "g/kg")}
    xr.Dataset(
        {name: (("member", "time"), data, {"units": units}) for name, (data, units) in values.items()},
        coords={"time": np.datetime64("2024-01-01", "ns") + np.arange(60) * np.timedelta64(1, "h")},
    ).to_netcdf(path)


def test_the_ten_lines_of_the_readme_run(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    own_file(tmp_path / "my_run.nc")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    forecast = xr.open_dataset("forecast.nc")
    assert forecast["T"].attrs["units"] == "K"
    assert float(forecast["T"].min()) > 280
    assert "</html>" in (tmp_path / "report.html").read_text()


def test_every_path_that_the_readme_names_exists():
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    folders = [
        name for row in re.findall(r"^\| (.*?) \|", text, flags=re.MULTILINE) for name in re.findall(r"`(.*?)`", row)
    ]
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert [name for name in folders if not ((ROOT / name).exists() or (ROOT / "geodl" / name).exists())] == []
