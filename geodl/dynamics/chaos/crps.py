"""Continuous ranked probability score: how good a distribution is, given what came; in the units of the variable."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.errors import OptionError


def crps_ensemble(ensemble: Float[Tensor, "member *case"], truth: Float[Tensor, "*case"]) -> Float[Tensor, "*case"]:
    """Fair score of an ensemble: its expectation does not depend on the number of members.

    mean |x_i − y| − Σ_ij |x_i − x_j| / (2 M (M − 1)). It is a loss, too; a perfect ensemble can score below zero in a
    single case, not on average.

    Args:
        ensemble: members in the units of the truth.
        truth: what came.
    Raises:
        OptionError: fewer than two members.
    Source: Ferro 2014, Quart. J. Roy. Meteor. Soc. 140, 1917.
    """
    if len(ensemble) < 2:
        raise OptionError(f"the ensemble has {len(ensemble)} members, expected at least 2 for the fair score")
    return (ensemble - truth).abs().mean(0) - crps_climate(ensemble)


def crps_climate(sample: Float[Tensor, "member *case"]) -> Float[Tensor, "*case"]:
    """Score that a distribution expects when the truth comes from itself: the climate's, given a sample of it.

    Half of the mean |x_i − x_j| over pairs, from sorted members as Σ (2i − M − 1) x_(i) / (M (M − 1)).

    Args:
        sample: at least two members.
    Source: Gneiting & Raftery 2007, J. Amer. Stat. Assoc. 102, 359, section 4.2.
    """
    members = len(sample)
    ranks = torch.arange(1 - members, members, 2, device=sample.device, dtype=sample.dtype)
    return torch.tensordot(ranks, sample.sort(0).values, 1) / (members * (members - 1))


def crps_gaussian(
    mean: Float[Tensor, "*case"], std: Float[Tensor, "*case"], truth: Float[Tensor, "*case"]
) -> Float[Tensor, "*case"]:
    """Score of normal distributions in closed form; arguments and score in the units of the variable.

    Source: Gneiting et al. 2005, Mon. Wea. Rev. 133, 1098, equation 5.
    """
    z = (truth - mean) / std
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return std * (z * torch.erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))


def crps_skill(score: Float[Tensor, "*case"], reference: Float[Tensor, "*#case"]) -> Float[Tensor, "*case"]:
    """1 − score / reference, dimensionless: 1 is perfect, 0 is as good as the reference, such as the climatology.

    Average both over cases first: the mean of ratios is another number.

    Source: Wilks 2011, Statistical Methods in the Atmospheric Sciences, section 8.1.4.
    """
    return 1 - score / reference
