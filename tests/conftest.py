"""Signatures are checked while the tests run; fixtures that several folders share."""

from collections.abc import Iterator

import hypothesis
import jaxtyping
import pytest
import torch
import xarray as xr

import tests.typecheck  # noqa: F401  the hook below looks it up by name

jaxtyping.install_import_hook("geodl", "tests.typecheck.check")

from geodl.core.contract import Family  # noqa: E402
from geodl.core.surrogate import Surrogate  # noqa: E402
from geodl.train.fit import fit  # noqa: E402
from geodl.train.split import Split, split  # noqa: E402
from tests import toy  # noqa: E402

torch.set_num_threads(1)
hypothesis.settings.register_profile("geodl", deadline=None, derandomize=True, max_examples=50, database=None)
hypothesis.settings.load_profile("geodl")


@pytest.fixture(scope="session")
def family() -> Family:
    return toy.family()


@pytest.fixture(scope="session")
def parts(family: Family) -> Split:
    return split(family.example(0), family.group)


@pytest.fixture(scope="session")
def surrogate(family: Family, parts: Split) -> Surrogate:
    """A trained toy; tests that change it work on a copy."""
    return fit(family, parts.train, parts.valid, show=False)


@pytest.fixture
def test_part(parts: Split) -> xr.Dataset:
    """A copy of the test data that a test may spoil."""
    return parts.test.copy(deep=True)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """No checks of signatures, where a test gives what a signature forbids."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def toy_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """``load`` finds the toy among the families of the library."""
    monkeypatch.setattr("geodl.core.surrogate.family", lambda name, **options: toy.family(**options))
