"""The data sets keep what their sources say: counts, signs, laws and published baselines, or are refused by name."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import geodl
from geodl.core.files import data_folder
from geodl.errors import DataFileError
from geodl.testing import assert_refused
from geodl.turbulence.datasets.channel_patel import channel_dns
from geodl.turbulence.datasets.closure_challenge import closure_challenge
from geodl.turbulence.datasets.completion import complete
from geodl.turbulence.datasets.convert import SETS, convert
from geodl.turbulence.datasets.datafoam import rotated_hill
from geodl.turbulence.datasets.find import VARIABLE, find
from geodl.turbulence.datasets.find import provided as needed
from geodl.turbulence.datasets.geneva import FLOWS, geneva
from geodl.turbulence.datasets.layout import join, masks
from geodl.turbulence.datasets.orientation import alignment, refuse_transposed
from geodl.turbulence.datasets.parametric_hills import parametric_hills
from geodl.turbulence.datasets.sandia import sandia_channel
from tests.turbulence.provided import provided

SAMPLES = [
    *(f"turbulence-geneva/{flow}" for flow in FLOWS),
    "turbulence-channel590/channel",
    "turbulence-rotated-hill/original",
]


@pytest.fixture(scope="module")
def challenge() -> dict[str, xr.Dataset]:
    return closure_challenge(provided("closure_challenge"))


@pytest.fixture(scope="module")
def completed(challenge: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    return {part: complete(ds) for part, ds in challenge.items()}


def frobenius(error: np.ndarray) -> float:
    """F, the root of the mean over cells of the squared Frobenius norm."""
    return float(np.sqrt(np.square(error, dtype=np.float64).sum((1, 2)).mean()))


def transposed(tensor: np.ndarray) -> np.ndarray:
    return np.swapaxes(tensor, 1, 2)


def commutator(ds: xr.Dataset) -> np.ndarray:
    """T2 = s w - w s of Pope 1975."""
    time = (ds["k"] / ds["epsilon"]).values[:, None, None]
    a = time * ds["velocity_gradient"].values
    s, w = (a + transposed(a)) / 2, (a - transposed(a)) / 2
    return s @ w - w @ s


COUNTS = {
    "train": (23, 343_771, 342_014, 339_187),
    "valid": (5, 77_863, 77_611, 76_971),
    "excluded": (4, 62_400, 62_321, 61_640),
}


@pytest.mark.parametrize("part", COUNTS)
def test_the_challenge_has_the_cells_and_masks_of_its_manifest(part, challenge):
    ds = challenge[part]
    found = (len(np.unique(ds["flow"])), ds.sizes["cell"], int(ds["valid_les"].sum()), int(ds["valid_clean"].sum()))
    assert found == COUNTS[part]
    assert set(np.unique(ds["family"])) <= {"hill", "step", "duct"}
    assert ds.attrs["licence"].startswith("none stated")
    assert not (ds["valid_clean"] & ~ds["valid_les"]).any()
    assert bool((ds["row"] >= 0).all())


@pytest.mark.parametrize(("part", "expected"), [("train", (0.265, 0.340)), ("valid", (0.278, 0.365))])
def test_training_mean_and_eddy_viscosity_score_as_published(part, expected, completed):
    """On valid_clean; the mean is the one of the training flows."""
    train, ds = completed["train"], completed[part]
    mean = train["anisotropy"].values[train["valid_clean"].values].mean(0, dtype=np.float64)
    valid = ds["valid_clean"].values
    truth, a = ds["anisotropy"].values[valid], ds["velocity_gradient"].values[valid]
    ratio = (ds["eddy_viscosity"] / ds["k"]).values[valid, None, None]
    found = (frobenius(truth - mean), frobenius(truth + ratio * (a + transposed(a)) / 2))
    assert found == pytest.approx(expected, abs=6e-4)


def test_the_mean_anisotropy_of_the_training_flows_is_the_published_one(completed):
    train = completed["train"]
    mean = train["anisotropy"].values[train["valid_les"].values].mean(0, dtype=np.float64)
    expected = [[0.1754, -0.0383, 0.0018], [-0.0383, -0.1480, -0.0006], [0.0018, -0.0006, -0.0274]]
    np.testing.assert_allclose(mean, expected, atol=6e-5)


def test_anisotropy_is_traceless_and_energies_are_half_of_the_trace(completed):
    ds = completed["valid"]
    trace = np.trace(ds["anisotropy"].values, axis1=1, axis2=2)
    np.testing.assert_allclose(trace[ds["valid_les"].values], 0, atol=1e-5)  # float32, where b is up to 30
    folder = provided("closure_challenge") / "val"
    for path in sorted(folder.glob("*.npz")):
        stored = np.load(path)["k_LES"]
        made = ds["k_corrected"].values[ds["flow"].values == path.stem]
        np.testing.assert_allclose(made[stored > 0], stored[stored > 0], atol=2e-6 * stored.mean())
    assert bool((ds[["k", "omega", "epsilon", "k_corrected"]].to_dataarray() > 0).all())
    assert ds.attrs["stressless_cells"] == 97
    assert "floored_cells" not in ds.attrs


def test_gradients_follow_the_velocity_and_their_transposes_do_not(challenge):
    ds = challenge["valid"]
    refuse_transposed(ds)
    for flow in np.unique(ds["flow"]):
        straight, turned = alignment(ds.isel(cell=ds["flow"].values == flow))
        assert straight > 0.99 > 0.5 > turned, flow


@pytest.mark.parametrize("name", SAMPLES)
def test_a_shipped_flow_is_complete_and_keeps_the_laws(name):
    ds = complete(geodl.open_sample(name))
    b, valid = ds["anisotropy"].values, ds["valid_les"].values
    assert ds.attrs["licence"].startswith(("MIT", "BSD-3"))
    np.testing.assert_allclose(np.trace(b, axis1=1, axis2=2), 0, atol=1e-6)
    np.testing.assert_array_equal(ds["valid_clean"], valid)  # no cell of these is unrealizable
    assert bool((ds["k"] * ds["epsilon"] * ds["omega"] > 0).all())
    second = (b * commutator(ds)).sum((1, 2))[valid]
    assert second.mean() < 0, "<u'u'> > <v'v'> in shear: T2 has a negative coefficient, or the rotation a wrong sign"
    assert {"flow", "family", "row", "column"} <= set(ds.coords)


def test_the_flows_of_geneva_are_joined_without_position():
    joined = join([geodl.open_sample(f"turbulence-geneva/{flow}") for flow in FLOWS], common_only=True)
    assert joined.sizes["cell"] == 44_316
    assert int(joined["valid_les"].sum()) == 10_971 + 7_096 + 5_482 + 5_367 + 12_720
    assert complete(joined).attrs["divergent_cells"] > 3000  # of the cylinders
    duct = geodl.open_sample("turbulence-geneva/square-duct")
    towards = duct["position"].sel(i="y") * duct["velocity_gradient"].sel(i="x", j="y")
    assert float((towards < 0).mean()) > 0.95  # the fluid is fastest in the middle


def test_the_channel_shears_upwards_and_its_wall_is_left_out():
    ds = geodl.open_sample("turbulence-channel590/channel")
    assert ds.sizes["cell"] == 59
    assert np.flatnonzero(~ds["valid_les"]).tolist() == [0]
    assert [int((ds["part"] == part).sum()) for part in ("train", "test")] == [47, 12]
    assert str(ds["part"].values[0]) == "test"
    shear = ds["velocity_gradient"].sel(i="x", j="y")
    stress = ds["reynolds_stress"].sel(i="x", j="y")
    assert bool((shear[:-2] > 0).all())  # the last two are at the centre
    assert bool((stress[1:-1] < 0).all())


def test_linear_and_quadratic_models_score_on_the_channel_as_published():
    """RMSE over nine entries without the wall: LEVM 0.1227, QEVM 0.0743; with the rotation turned round 0.165."""
    ds = complete(geodl.open_sample("turbulence-channel590/channel")).isel(cell=slice(1, None))
    a = (ds["k"] / ds["epsilon"]).values[:, None, None] * ds["velocity_gradient"].values
    s, w = (a + transposed(a)) / 2, (a - transposed(a)) / 2

    def deviator(t: np.ndarray) -> np.ndarray:
        return t - np.trace(t, axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3

    def quadratic(w: np.ndarray) -> np.ndarray:
        return 0.09 * (-s - 0.2 * (s @ w - w @ s) - 0.2 * deviator(s @ s) - 0.52 * deviator(w @ w))

    truth, test = ds["anisotropy"].values, ds["part"].values == "test"
    found = [frobenius((truth - model)[test]) / 3 for model in (-0.09 * s, quadratic(w), quadratic(-w))]
    assert found == pytest.approx([0.1227, 0.0743, 0.165], abs=6e-4)


def test_the_rotated_hill_is_the_rotated_one():
    """Computed on a mesh of its own, so that it equals Q A Qᵀ to the precision of the solver."""
    first, second = (geodl.open_sample(f"turbulence-rotated-hill/{name}") for name in ("original", "rotated"))
    q, a, turned = (
        second["change_of_axes"].values,
        first["velocity_gradient"].values,
        second["velocity_gradient"].values,
    )
    assert a.dtype == turned.dtype == np.float64
    assert np.abs(q @ a @ q.T - turned).max() <= 6.2e-14 * np.abs(a).max()
    np.testing.assert_array_equal(first["k"], second["k"])
    np.testing.assert_array_equal(first["wall_distance"], second["wall_distance"])
    np.testing.assert_allclose(first["position"].values @ q.T, second["position"], atol=1e-6)
    np.testing.assert_allclose(first["nu"], 0.028 / 5600, rtol=1e-12)
    assert first["row"].attrs["long_name"].startswith("slow index")


@pytest.mark.parametrize("folder", ["turbulence-geneva", "turbulence-channel590", "turbulence-rotated-hill"])
def test_what_ships_says_its_licence_and_where_it_is_from(folder):
    path = data_folder() / folder
    assert "Copyright" in (path / "LICENSE").read_text()
    card = (path / "card.md").read_text()
    for file in path.glob("*.nc"):
        assert f"`{file.name}`" in card
    assert sum(file.stat().st_size for file in data_folder().glob("turbulence-*/*")) < 5_000_000


def test_the_shipped_extracts_are_what_the_readers_give():
    made = geneva(provided("geneva_rans_uncertainty"))
    xr.testing.assert_identical(geodl.open_sample("turbulence-geneva/square-duct"), made["square-duct"])
    channel = sandia_channel(provided("sandia_tbnn"))
    xr.testing.assert_identical(geodl.open_sample("turbulence-channel590/channel"), channel)
    whole = rotated_hill(provided("datafoam_case1p0"))
    assert whole["original"].sizes["cell"] == 14_751
    for name, ds in whole.items():
        sample = geodl.open_sample(f"turbulence-rotated-hill/{name}")
        xr.testing.assert_identical(sample, ds[list(sample.data_vars)].isel(cell=slice(None, None, 4)))


def test_the_parametric_hills_are_clean_and_turn_like_their_velocity():
    made = parametric_hills(provided("xiaoh_para_hills"))
    dns, rans = made["dns"], made["launder-sharma"]
    assert dns.sizes["cell"] == 5 * 14_751
    assert len(np.unique(dns["flow"])) == 5
    np.testing.assert_array_equal(dns["valid_clean"], dns["valid_les"])
    assert "velocity_gradient" not in dns
    names = {"velocity_truth": "velocity", "velocity_gradient_truth": "velocity_gradient"}
    refuse_transposed(dns.rename(names))
    refuse_transposed(rans)
    assert {"epsilon", "omega", "anisotropy"} <= set(complete(rans).data_vars)
    np.testing.assert_allclose(dns["nu"], 5e-6)


def test_the_channel_profiles_balance_momentum():
    """dU+/dy+ - uv = 1 - y to 0.0028, as the source page says; production meets dissipation in the log layer."""
    ds = channel_dns(provided("channel_patel_retau395"))
    assert ds.sizes["y_plus"] == 132
    gradient = np.gradient(ds["mean_velocity"], ds["y_plus"], edge_order=2)
    np.testing.assert_allclose((gradient - ds["uv"] - (1 - ds["y"]))[2:], 0, atol=3e-3)  # one-sided at the wall
    assert bool((ds["uv"] <= 0).all() and (ds["epsilon"] > 0).all())
    log = ((ds["y_plus"] > 50) & (ds["y_plus"] < 150)).values
    np.testing.assert_allclose((-ds["uv"].values * gradient)[log], ds["epsilon"].values[log], rtol=0.15)


def small_challenge(folder: Path) -> Path:
    """One flow of nine cells in each part."""
    manifest = {}
    for number, (split, name) in enumerate((("train", "a"), ("val", "b"), ("leak_excluded", "c"))):
        arrays: dict[str, object] = {
            name: np.full((9, 3), 1.0 + number, "f4") for name in ("U", "gradp", "gradk", "U_LES")
        }
        arrays |= {name: np.ones(9, "f4") for name in ("V", "walldist", "k", "omega", "nut", "p")}
        arrays |= {name: np.array([True, False, *[True] * 7]) for name in ("valid_les", "valid_clean")}
        arrays |= {"gradU": np.zeros((9, 3, 3), "f4"), "tau_LES": np.ones((9, 6), "f4"), "shape": np.array([3, 3])}
        arrays["C"] = np.stack([np.zeros(9), *np.indices((3, 3)).reshape(2, 9)], axis=1).astype("f4")
        (folder / split).mkdir(parents=True)
        np.savez_compressed(folder / split / f"{name}.npz", **arrays, nu=1e-5, family="duct", name=name)  # type: ignore[arg-type]
        digest = hashlib.sha256((folder / split / f"{name}.npz").read_bytes()).hexdigest()
        manifest[name] = {"split": split, "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_folder_of_one_set_or_of_several_is_recognised(tmp_path):
    small_challenge(tmp_path / "closure_challenge")
    alone, among = convert(tmp_path / "closure_challenge"), convert(tmp_path)
    assert list(alone) == list(among) == [f"closure-challenge-{part}" for part in ("train", "valid", "excluded")]
    assert alone["closure-challenge-valid"]["flow"].values.tolist() == ["b"] * 9
    assert set(alone["closure-challenge-train"].data_vars) >= {"velocity_gradient", "reynolds_stress", "eddy_viscosity"}


def test_a_folder_without_a_known_set_is_refused_with_what_it_has(tmp_path):
    (tmp_path / "pictures").mkdir()
    assert_refused(DataFileError, lambda: convert(tmp_path), "It has pictures.", *SETS)
    assert_refused(DataFileError, lambda: convert(tmp_path / "pictures"), "It is empty.")
    assert_refused(DataFileError, lambda: convert(tmp_path / "no"), "It does not exist.")


def resigned(folder: Path, name: str = "train/a.npz") -> None:
    """The manifest says that the file is as it is now."""
    path = folder / name
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[path.stem]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


SPOILT = {
    "truncated": (lambda raw: raw[: len(raw) // 2], ("a.npz", "not a whole .npz")),
    "empty": (lambda raw: b"", ("a.npz", "not a whole .npz")),
    "flipped": (lambda raw: raw[:300] + bytes([raw[300] ^ 8]) + raw[301:], ("a.npz",)),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_file_is_found_by_checksum_and_without(how, tmp_path):
    folder, (spoil, words) = small_challenge(tmp_path), SPOILT[how]
    path = folder / "train" / "a.npz"
    path.write_bytes(spoil(path.read_bytes()))
    assert_refused(DataFileError, lambda: closure_challenge(folder), "a.npz", "checksum")
    resigned(folder)
    assert_refused(DataFileError, lambda: closure_challenge(folder), *words)


def replaced(folder: Path, **changed: object) -> None:
    path = folder / "train" / "a.npz"
    with np.load(path) as read:
        arrays = {**read, **changed}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    resigned(folder)


FOREIGN = {
    "pickled": ({"k": np.array([{}, {}], dtype=object)}, ("'k'", "not a plain array")),
    "missing": ({"omega": None}, ("lacks the array 'omega'",)),
    "six entries": ({"gradU": np.ones((2, 6))}, ("'gradU'", "(2, 6)", "[cell, 3, 3]")),
    "text": ({"k": np.array(["a", "b"])}, ("'k'", "<U1")),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_arrays_of_other_content_are_refused_and_objects_never_loaded(what, tmp_path):
    folder, (changed, words) = small_challenge(tmp_path), FOREIGN[what]
    replaced(folder, **changed)
    assert_refused(DataFileError, lambda: closure_challenge(folder), "a.npz", *words)


def test_a_manifest_or_a_flow_that_is_missing_is_named(tmp_path):
    folder = small_challenge(tmp_path)
    (folder / "val" / "b.npz").unlink()
    assert_refused(DataFileError, lambda: closure_challenge(folder), "b.npz", "No such file")
    for content, word in (("{", "not the manifest"), ('{"a": {"split": "train"}}', "sha256"), ("{}", "'train'")):
        (folder / "manifest.json").write_text(content)
        assert_refused(DataFileError, lambda: closure_challenge(folder), "manifest.json", word)
    (folder / "manifest.json").unlink()
    assert_refused(DataFileError, lambda: closure_challenge(folder), "manifest.json", "No such file")


def test_a_broken_table_of_the_channels_is_refused(tmp_path):
    split = {"train": [1], "test": [0]}
    for rows, words in (("1 2 3\n", "20 columns"), ("1 x\n", "not a table"), ("", "20 columns")):
        (tmp_path / "channel.txt").write_text("\n" * 4 + rows)
        assert_refused(DataFileError, lambda: sandia_channel(tmp_path), "channel.txt", words)
    stress = " ".join(["1 1", "0 1 0 0 0 0 0 0 0", "1 0 0 0 1 0 0 0 1"])
    (tmp_path / "channel.txt").write_text("\n" * 4 + f"{stress}\n" * 2)
    for content, words in (
        ({"train": [1]}, "'test'"),
        ({**split, "test": [7]}, "7"),
        ({**split, "test": []}, "point 0"),
    ):
        (tmp_path / "split_and_expected.json").write_text(json.dumps(content))
        assert_refused(DataFileError, lambda: sandia_channel(tmp_path), "split_and_expected.json", words)
    profile = tmp_path / "PatelEtAl_constProperty.txt"
    for text, words in (
        ("# only words\n", "lacks the column"),
        ("y,y+\n1,2\n", "<u+>"),
        ("y,y+\n1,2,3\n", "not a line"),
    ):
        profile.write_text(text)
        assert_refused(DataFileError, lambda: channel_dns(tmp_path), profile.name, words)


def test_a_set_is_found_in_the_folder_that_the_environment_names(tmp_path, monkeypatch):
    (tmp_path / "closure_challenge").mkdir()
    monkeypatch.delenv(VARIABLE, raising=False)
    assert find("closure_challenge") is None
    assert_refused(DataFileError, lambda: needed("closure_challenge"), f"${VARIABLE} is not set")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert find("closure_challenge") == needed("closure_challenge") == tmp_path / "closure_challenge"
    assert find("sandia_tbnn") is None
    assert_refused(DataFileError, lambda: needed("sandia_tbnn"), "no folder sandia_tbnn", str(tmp_path))


def test_masks_of_the_challenge_follow_from_its_stress(challenge):
    ds = challenge["valid"]
    one = ds.isel(cell=ds["flow"].values == "AR_7_Ret_180")
    found = masks(one["reynolds_stress"].values)
    np.testing.assert_array_equal(found["valid_les"], one["valid_les"])
    np.testing.assert_array_equal(found["valid_clean"], one["valid_clean"])
