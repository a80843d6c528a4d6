"""A rollout loss whose horizon grows: short forecasts first, so that long ones begin in the right valley."""

import dataclasses
from collections.abc import Sequence

from torch import nn

from geodl.core.contract import Family, Tensors
from geodl.errors import OptionError
from geodl.train.config import FitConfig
from geodl.train.loop import Run, train


def doubled(leads: int) -> tuple[int, ...]:
    """1, 2, 4, 8, … below ``leads``."""
    return tuple(2**k for k in range((leads - 1).bit_length()))


def with_curriculum(
    family: Family, config: FitConfig, *, horizons: Sequence[int] | None = None, seed: int = 0
) -> Family:
    """The family, trained over shorter horizons before its own: ``fit(with_curriculum(made, config), train, valid)``.

    Every stage is a run of its own over the first ``horizon`` leads of the same windows and scalings, from the weights
    of the stage before; it sees training data alone, and keeps the weights with the least training loss.

    Args:
        family: its network integrates a field over ``leads`` data intervals.
        config: of each stage.
        horizons: data intervals of each stage, increasing; by default 1, 2, 4, 8, … below the leads of the family.
        seed: of the order of the samples.
    Raises:
        OptionError: a family without leads, or horizons that do not increase or do not stay below its leads.
    Source: Bengio, Louradour, Collobert & Weston 2009, Curriculum learning, ICML.
    """
    if "leads" not in family.options:
        raise OptionError(f"the family {family.name!r} has no option 'leads', so that there is no horizon to raise")
    leads = int(family.options["leads"])
    horizons = doubled(leads) if horizons is None else tuple(horizons)
    if list(horizons) != sorted(set(horizons)) or not all(1 <= horizon < leads for horizon in horizons):
        raise OptionError(
            f"horizons are {horizons}, expected increasing numbers from 1 to {leads - 1}, below leads={leads}"
        )

    def warm_start(network: nn.Module, inputs: Tensors, targets: Tensors) -> None:
        if family.warm_start:
            family.warm_start(network, inputs, targets)
        for horizon in horizons:
            _stage(family, network, (inputs, tuple(y[:, :horizon] for y in targets)), config, seed)
        network.leads = leads  # type: ignore[assignment]

    return dataclasses.replace(family, warm_start=warm_start)


def _stage(family: Family, network: nn.Module, pairs: tuple[Tensors, Tensors], config: FitConfig, seed: int) -> None:
    network.leads = pairs[1][0].shape[1]  # type: ignore[assignment]
    train(Run(network, family.loss, pairs, pairs, config, seed=seed), show=False)
    network.train()
