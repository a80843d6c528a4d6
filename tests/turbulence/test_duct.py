"""Fully developed duct: closed forms, order of accuracy, and the published ceilings on real ducts."""

import functools

import numpy as np
import pytest
import xarray as xr

from geodl.errors import OptionError, SchemaError, ShapeError
from geodl.testing import assert_refused, observed_order
from geodl.turbulence.a_posteriori import (
    DuctGrid,
    SecondaryFlow,
    duct_flow,
    duct_velocity,
    duct_with,
    refined_secondary_flow,
    secondary_flow,
    stress_remainder,
)
from geodl.turbulence.a_posteriori.figures import duct_section
from geodl.turbulence.datasets.layout import flow_dataset, symmetric
from tests.turbulence.provided import provided

LINE = np.linspace(0, 1, 9)


def stretched(cells: int, length: float = 1.0) -> np.ndarray:
    return length * np.tanh(1.5 * np.linspace(0, 1, cells + 1)) / np.tanh(1.5)


def grid_of(cells: int, aspect: float = 1.0) -> DuctGrid:
    return DuctGrid.from_faces(stretched(cells), stretched(cells, aspect))


def mesh(grid: DuctGrid) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.meshgrid(grid.y.centres, grid.z.centres))


def laminar(y: np.ndarray, z: np.ndarray, aspect: float) -> np.ndarray:
    """Series for  U_yy + U_zz = -1  on |y| < 1, |z| < aspect: Shah & London 1978, Laminar Flow Forced Convection."""
    total = np.zeros_like(y)
    for n in range(1, 2000, 2):
        a, sign = n * np.pi / 2, (-1) ** ((n - 1) // 2)
        ratio = np.exp(a * (z - aspect)) * (1 + np.exp(-2 * a * z)) / (1 + np.exp(-2 * a * aspect))
        total += sign / n**3 * (1 - ratio) * np.cos(a * y)
    return 16 / np.pi**3 * total


@pytest.mark.parametrize(
    ("aspect", "ratio", "friction"), [(1, 2.0962, 56.908), (2, 1.9918, 62.192), (4, 1.7737, 72.931)]
)
def test_a_laminar_duct_has_the_friction_of_the_textbook(aspect, ratio, friction):
    grid = grid_of(48, float(aspect))
    u, gradient = duct_velocity(grid, 0.1, 2.0)
    diameter = 4 * aspect / (1 + aspect)
    assert 2 * gradient * diameter**2 / (0.1 * 2.0) == pytest.approx(friction, rel=2e-3)  # f Re, Shah & London
    assert u.max() / 2.0 == pytest.approx(ratio, rel=2e-3)


def test_a_laminar_duct_converges_with_second_order():
    errors = []
    for cells in (12, 24, 48):
        grid = grid_of(cells, 1.5)
        exact = laminar(*mesh(grid), aspect=1.5)
        u, _ = duct_velocity(grid, 1.0, grid.average(exact))
        errors.append(float(np.abs(u - exact).max()))
    assert observed_order(errors, [1 / 12, 1 / 24, 1 / 48]) == pytest.approx([2, 2], abs=0.2)


def vortices(y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """v, w and the in-plane strain (yy, zz, yz) of psi = f(y) f(z), f = y (1 - y²)³: no slip, no shear on the walls."""
    f, df, ddf = (
        lambda s: s * (1 - s**2) ** 3,
        lambda s: (1 - s**2) ** 2 * (1 - 7 * s**2),
        lambda s: 6 * s * (1 - s**2) * (7 * s**2 - 3),
    )
    strain = np.stack([df(y) * df(z), -df(y) * df(z), (f(y) * ddf(z) - ddf(y) * f(z)) / 2], axis=-1)
    return f(y) * df(z), -df(y) * f(z), strain


def test_the_section_converges_with_second_order():
    errors, nu = [], 0.003
    for cells in (12, 24, 48):
        grid = grid_of(cells)
        v, w, strain = vortices(*mesh(grid))
        stress = np.zeros((*grid.shape, 3, 3))  # tau = 2 nu S - u u balances the momentum exactly
        stress[..., 1, 1], stress[..., 2, 2] = 2 * nu * strain[..., 0] - v * v, 2 * nu * strain[..., 1] - w * w
        stress[..., 1, 2] = stress[..., 2, 1] = 2 * nu * strain[..., 2] - v * w
        found = secondary_flow(grid, nu, stress).cells()
        errors.append(float(np.sqrt(np.mean((found[..., 1] - v) ** 2 + (found[..., 2] - w) ** 2))))
    assert observed_order(errors, [1 / 12, 1 / 24, 1 / 48]) == pytest.approx([2, 2], abs=0.25)


def test_the_streamwise_velocity_converges_with_second_order():
    errors, nu = [], 0.02
    for cells in (12, 24, 48):
        grid = grid_of(cells)
        y, z = mesh(grid)
        v, w, _ = vortices(y, z)
        exact = (1 - y**2) ** 2 * (1 - z**2) ** 2
        nu_t = 0.1 * (1 - y**2) * (1 - z**2)
        remainder = np.zeros((*grid.shape, 3, 3))  # R = (nu + nu_t) grad U - u U needs no pressure gradient
        remainder[..., 0, 1] = -(nu + nu_t) * 4 * y * (1 - y**2) * (1 - z**2) ** 2 - v * exact
        remainder[..., 0, 2] = -(nu + nu_t) * 4 * z * (1 - z**2) * (1 - y**2) ** 2 - w * exact
        found, gradient = duct_velocity(
            grid,
            nu,
            grid.average(exact),
            eddy_viscosity=nu_t,
            remainder=remainder,
            secondary=SecondaryFlow.from_cells(grid, v, w),
        )
        errors.append(float(np.abs(found - exact).max()) + abs(gradient))
    assert observed_order(errors, [1 / 12, 1 / 24, 1 / 48]) == pytest.approx([2, 2], abs=0.3)


def random_stress(grid: DuctGrid, seed: int = 0) -> np.ndarray:
    y, z = mesh(grid)
    rng = np.random.default_rng(seed)
    stress = np.zeros((*grid.shape, 3, 3))
    stress[..., 1, 1] = rng.normal() * np.cos(2 * y) * z**2 + y**3
    stress[..., 2, 2] = rng.normal() * np.cos(3 * z) * y
    stress[..., 1, 2] = stress[..., 2, 1] = y * z * (1 - y) * (1 - z)
    return stress


def test_a_pressure_drives_nothing():
    grid = grid_of(12)
    stress = np.random.default_rng(0).normal(size=grid.shape)[..., None, None] * np.eye(3)
    assert np.abs(secondary_flow(grid, 0.1, stress).cells()).max() < 1e-12


def test_the_section_is_free_of_divergence_and_mirrored_with_its_stress():
    grid = DuctGrid.from_faces(stretched(10), stretched(14, 2.0))
    stress = random_stress(grid)
    flow = secondary_flow(grid, 0.05, stress)
    outflow = np.diff(flow.v, axis=1) / grid.y.widths + np.diff(flow.w, axis=0) / grid.z.widths[:, None]
    assert np.abs(outflow).max() < 1e-12 * np.abs(flow.v).max() / grid.y.widths.min()
    turned = DuctGrid(grid.z, grid.y, grid.order)
    swapped = stress.swapaxes(0, 1)[..., [0, 2, 1], :][..., [0, 2, 1]]
    np.testing.assert_allclose(secondary_flow(turned, 0.05, swapped).v, flow.w.T, atol=1e-10)


def test_refinements_approach_the_whole_flow_from_below():
    grid = grid_of(16)
    stress, nu_t = 0.02 * random_stress(grid), np.full(grid.shape, 0.1)
    nu_t *= (1 - mesh(grid)[0]) * (1 - mesh(grid)[1])
    strength = lambda flow: float(np.abs(flow.cells()).max())  # noqa: E731
    whole = strength(secondary_flow(grid, 0.05, stress))
    some = [
        strength(refined_secondary_flow(grid, 0.05, stress, eddy_viscosity=nu_t, refinements=n)) for n in (0, 2, 8, 60)
    ]
    assert some == sorted(some)
    assert some[0] < 0.9 * whole
    assert some[-1] == pytest.approx(whole, rel=0.05)


def test_a_flow_that_does_not_settle_says_so():
    grid = grid_of(12)
    flow = secondary_flow(grid, 1e-4, 1e3 * random_stress(grid))
    assert flow.change > 1e-3
    assert np.isfinite(flow.v).all()


def test_noise_in_cells_is_not_amplified_by_finer_cells():
    strength = []
    for cells in (12, 24, 48):
        grid = DuctGrid.from_faces(np.linspace(0, 1, cells + 1), np.linspace(0, 1, cells + 1))
        noise = np.random.default_rng(1).normal(size=(*grid.shape, 3, 3))
        strength.append(float(np.sqrt((secondary_flow(grid, 1.0, noise + noise.swapaxes(2, 3)).cells() ** 2).mean())))
    assert strength[2] < strength[1] < strength[0]


def test_the_grid_comes_back_from_shuffled_centres():
    grid = DuctGrid.from_faces(stretched(9), stretched(13, 3.0))
    position, volume = cells_of(grid)
    shuffled = np.random.default_rng(0).permutation(len(volume))
    found = DuctGrid.from_centres(position[shuffled].astype(np.float32), volume[shuffled].astype(np.float32))
    np.testing.assert_allclose(found.z.faces, grid.z.faces, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.fold(position[shuffled])[..., 1], mesh(grid)[0])
    np.testing.assert_array_equal(found.unfold(found.fold(position[shuffled])), position[shuffled])


def cells_of(grid: DuctGrid) -> tuple[np.ndarray, np.ndarray]:
    y, z = mesh(grid)
    return np.stack([np.zeros(y.size), y.ravel(), z.ravel()], axis=1), grid.area.ravel()


def test_other_cells_are_refused():
    position, volume = cells_of(grid_of(6))
    assert_refused(ShapeError, lambda: DuctGrid.from_centres(position[1:], volume[1:]), "35 cells", "every pair once")
    moved = position + np.array([0, 0.3, 0])
    assert_refused(ShapeError, lambda: DuctGrid.from_centres(moved, volume), "along y", "Shift the origin")
    assert_refused(ShapeError, lambda: DuctGrid.from_faces(LINE[::-1].copy(), LINE), "increase")
    grid = grid_of(6)
    assert_refused(OptionError, lambda: duct_velocity(grid, 1.0, 1.0, eddy_viscosity=np.full(grid.shape, -2.0)), "-1")
    assert_refused(OptionError, lambda: secondary_flow(grid, 0.0, random_stress(grid)), "nu")


@functools.cache
def duct(name: str) -> xr.Dataset:
    """One duct of the Closure Challenge."""
    folder = provided("closure_challenge")
    path = next(folder.glob(f"*/{name}_Ret_180.npz"))
    stored = {"velocity": "U", "velocity_gradient": "gradU", "k": "k", "omega": "omega", "eddy_viscosity": "nut"}
    stored |= {"position": "C", "volume": "V", "velocity_truth": "U_LES"}
    with np.load(path) as file:
        arrays = {key: file[value].astype(np.float64) for key, value in stored.items()}
        arrays["reynolds_stress"] = symmetric(file["tau_LES"].astype(np.float64))
        return flow_dataset(name, {**arrays, "nu": float(file["nu"])}, unit_system="SI", shape=file["shape"].tolist())


@functools.cache
def true_remainder(name: str) -> np.ndarray:
    ds = duct(name)
    grid = DuctGrid.from_centres(ds["position"].values, ds["volume"].values)
    gradient = grid.unfold(grid.gradient(grid.fold(ds["velocity_truth"].values)))
    return stress_remainder(ds["reynolds_stress"].values, ds["eddy_viscosity"].values, gradient)


def with_stress(stress: np.ndarray) -> xr.Dataset:
    k = np.trace(stress, axis1=1, axis2=2) / 2
    b = stress / (2 * k[:, None, None]) - np.eye(3) / 3
    return xr.Dataset({"anisotropy": (("cell", "i", "j"), b), "k_corrected": ("cell", k)})


def with_remainder(remainder: np.ndarray) -> xr.Dataset:
    return xr.Dataset({"stress_remainder": (("cell", "i", "j"), remainder)})


# U_rms with the in-plane velocity of the LES: true b with the k of the RANS, true tau explicit, its optimal eddy
# viscosity alone, and that with the rest explicit
CEILINGS = {
    "AR_1": (0.124, 0.0101, 0.0303, 0.0039),
    "AR_3": (0.123, 0.0080, 0.0227, 0.0021),
    "AR_5": (0.134, 0.0073, 0.0209, 0.0021),
    "AR_7": (0.138, 0.0079, 0.0195, 0.0024),
}


@pytest.mark.parametrize("name", CEILINGS)
def test_the_ceilings_of_the_reference_are_met(name):
    ds = duct(name)
    grid = DuctGrid.from_centres(ds["position"].values, ds["volume"].values)
    truth, stress = grid.fold(ds["velocity_truth"].values), grid.fold(ds["reynolds_stress"].values)
    u, nu = truth[..., 0], float(ds["nu"][0])
    carried = SecondaryFlow.from_cells(grid, truth[..., 1], truth[..., 2])

    def error(**closure: np.ndarray) -> float:
        found, _ = duct_velocity(grid, nu, grid.average(u), secondary=carried, **closure)
        return float(np.sqrt(np.mean((found - u) ** 2)) / u.mean())

    gradient = grid.gradient(truth)[..., 0, 1:]
    nu_t = np.maximum(0, -(stress[..., 0, 1:] * gradient).sum(-1) / (gradient**2).sum(-1))
    weaker = stress * (grid.fold(ds["k"].values) / (np.trace(stress, axis1=2, axis2=3) / 2))[..., None, None]
    rest = stress.copy()
    rest[..., 0, 1:] += nu_t[..., None] * gradient
    found = (error(remainder=weaker), error(remainder=stress), error(eddy_viscosity=nu_t))
    np.testing.assert_allclose(found, CEILINGS[name][:3], rtol=0.1)
    assert error(eddy_viscosity=nu_t, remainder=rest) <= CEILINGS[name][3]  # 0.0018 to 0.0024 here


@pytest.mark.parametrize("name", ["AR_1", "AR_7"])
def test_the_true_stress_drives_the_true_secondary_flow(name):
    ds = duct(name)
    grid = DuctGrid.from_centres(ds["position"].values, ds["volume"].values)
    truth = grid.fold(ds["velocity_truth"].values)
    flow = duct_flow(
        grid,
        float(ds["nu"][0]),
        grid.average(truth[..., 0]),
        remainder=grid.fold(ds["reynolds_stress"].values),
    )
    found, truth = flow["velocity"].values, ds["velocity_truth"].values
    speed = lambda u: np.hypot(u[:, 1], u[:, 2])  # noqa: E731
    assert speed(found).max() == pytest.approx(speed(truth).max(), rel=0.01)
    assert np.sqrt(((found - truth)[:, 1:] ** 2).mean()) < 0.03 * np.sqrt((truth[:, 1:] ** 2).mean())
    assert np.sqrt(((found - truth)[:, 0] ** 2).mean()) < 0.012 * truth[:, 0].mean()
    assert flow.attrs["change"] < 1e-6


def test_the_true_remainder_corrects_the_flow():
    ds = duct_with(lambda _: with_remainder(true_remainder("AR_1")), duct("AR_1"))
    assert float(ds["velocity_error"].sel(model="baseline")) == pytest.approx(0.171, abs=0.001)
    assert float(ds["velocity_error"].sel(model="corrected")) < 0.01
    strength = ds["secondary_strength"]
    assert float(strength.sel(model="corrected")) == pytest.approx(float(strength.sel(model="truth")), rel=0.03)
    assert float(ds["secondary_correlation"].sel(model="corrected")) > 0.99


def test_the_remainder_tolerates_noise_that_the_stress_does_not():
    ds, rng = duct("AR_1"), np.random.default_rng(0)
    k = np.trace(ds["reynolds_stress"].values, axis1=1, axis2=2) / 2
    noise = rng.normal(size=(len(k), 3, 3))
    noise = 0.12 / 3 * k[:, None, None] * (noise + noise.swapaxes(1, 2)) / np.sqrt(2)  # F = 0.06 on b, cell by cell
    noisy = duct_with(lambda _: with_remainder(true_remainder("AR_1") + noise), ds)
    whole = duct_with(lambda _: with_stress(ds["reynolds_stress"].values + noise), ds, refinements=0)
    assert float(noisy["velocity_error"].sel(model="corrected")) < 0.05
    assert float(noisy["velocity_error"].sel(model="corrected")) < float(whole["velocity_error"].sel(model="corrected"))
    strength = noisy["secondary_strength"]
    assert float(strength.sel(model="corrected")) == pytest.approx(float(strength.sel(model="truth")), rel=0.4)


def test_the_section_is_drawn_with_units():
    ds = duct("AR_1")
    figure = duct_section(duct_with(lambda _: with_stress(ds["reynolds_stress"].values), ds, refinements=0))
    *panels, _ = figure.axes
    assert len(panels) == 3
    assert all("[1]" in label for axis in panels for label in (axis.get_xlabel(), axis.get_ylabel()))


def test_wrong_ducts_are_refused():
    position, volume = cells_of(grid_of(4))
    n = len(volume)
    variables = {"velocity": np.ones((n, 3)), "velocity_gradient": np.ones((n, 3, 3)), "eddy_viscosity": 0.1}
    ds = flow_dataset("d", {**variables, "nu": 0.1, "position": position, "volume": volume}, unit_system="none")
    assert_refused(SchemaError, lambda: duct_with(lambda _: ds, ds.drop_vars("nu")), "'nu'", "missing")
    assert_refused(SchemaError, lambda: duct_with(lambda _: ds, ds), "anisotropy")
    uneven = ds.assign(nu=("cell", np.linspace(0.1, 0.2, n)))
    assert_refused(OptionError, lambda: duct_with(lambda _: ds, uneven), "nu runs from")
    two = ds.assign_coords(flow=("cell", np.repeat(["a", "b"], n // 2)))
    assert_refused(SchemaError, lambda: duct_with(lambda _: ds, two), "2 flows", "isel")
