"""Invertible scalings as modules: fitted once on training data, saved and moved with the weights."""

import abc

import torch
from torch import Tensor, nn

from geodl.core.schema import Variable
from geodl.errors import DomainError, OptionError


class AbstractScaling(nn.Module, abc.ABC):
    """``forward`` takes physical values to values of order one, ``inverse`` takes them back."""

    mean: Tensor
    std: Tensor

    def __init__(self, shape: tuple[int, ...] = ()):
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("std", torch.ones(shape))

    @abc.abstractmethod
    def fit(self, x: Tensor) -> None:
        """Take mean and standard deviation from training data ``[sample, *dims]``."""

    @abc.abstractmethod
    def forward(self, x: Tensor) -> Tensor: ...

    @abc.abstractmethod
    def inverse(self, z: Tensor) -> Tensor: ...

    def standardise(self, x: Tensor, dims: tuple[int, ...] | None = None) -> None:
        """Keep the statistics of ``x``; a constant is only centred, since it carries no scale."""
        everything = tuple(range(x.ndim)) if dims is None else dims
        x = x.double()
        std = x.std(everything, unbiased=False)
        self.mean.copy_(x.mean(everything))
        self.std.copy_(torch.where(std > 1e-12 * x.abs().amax(everything), std, torch.ones_like(std)))


class StandardScaling(AbstractScaling):
    """(x - mean) / std: one pair for the whole variable, or with a shape one for each entry of the last dimension.

    Never the latter for components of vectors or tensors: it would break independence of the frame.
    """

    def fit(self, x: Tensor) -> None:
        self.standardise(x, tuple(range(x.ndim - self.mean.ndim)))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std

    def inverse(self, z: Tensor) -> Tensor:
        return z * self.std + self.mean


class IsotropicScaling(AbstractScaling):
    """x / rms: no mean and one number for all components, so that a rotation commutes with the scaling."""

    def fit(self, x: Tensor) -> None:
        rms = x.double().square().mean().sqrt()
        self.std.copy_(rms if rms > 0 else torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x / self.std

    def inverse(self, z: Tensor) -> Tensor:
        return z * self.std


class LogScaling(AbstractScaling):
    """(log x - mean) / std, for positive quantities that span decades."""

    def fit(self, x: Tensor) -> None:
        if not bool((x > 0).all()):
            raise DomainError(f"log scaling needs positive values, the smallest is {float(x.min()):g}")
        self.standardise(x.double().log())

    def forward(self, x: Tensor) -> Tensor:
        return (x.log() - self.mean) / self.std

    def inverse(self, z: Tensor) -> Tensor:
        return (z * self.std + self.mean).exp()


class LnScaling(AbstractScaling):
    """log x and no more, for a network that predicts the factor on another quantity."""

    def fit(self, x: Tensor) -> None:
        if not bool((x > 0).all()):
            raise DomainError(f"ln scaling needs positive values, the smallest is {float(x.min()):g}")

    def forward(self, x: Tensor) -> Tensor:
        return x.log()

    def inverse(self, z: Tensor) -> Tensor:
        return z.exp()


class BoxCoxScaling(AbstractScaling):
    """((x^power - 1) / power - mean) / std, a logarithm that is finite at zero.

    Source: Box & Cox 1964, J. R. Stat. Soc. B 26, 211; power 0.1 as is usual for mass fractions.
    """

    power = 0.1

    def fit(self, x: Tensor) -> None:
        if bool((x < 0).any()):
            raise DomainError(f"Box-Cox scaling needs values that are not negative, the smallest is {float(x.min()):g}")
        self.standardise((x.double() ** self.power - 1) / self.power)

    def forward(self, x: Tensor) -> Tensor:
        return ((x**self.power - 1) / self.power - self.mean) / self.std

    def inverse(self, z: Tensor) -> Tensor:
        # Below the image of zero there is nothing: such values are zero, the nearest point of the domain.
        return ((z * self.std + self.mean) * self.power + 1).clamp(min=0) ** (1 / self.power)


class NoScaling(AbstractScaling):
    """The network takes or gives physical values itself."""

    def fit(self, x: Tensor) -> None:
        del x

    def forward(self, x: Tensor) -> Tensor:
        return x

    def inverse(self, z: Tensor) -> Tensor:
        return z


_KINDS: dict[str, type[AbstractScaling]] = {
    "standard": StandardScaling,
    "isotropic": IsotropicScaling,
    "log": LogScaling,
    "ln": LnScaling,
    "box-cox": BoxCoxScaling,
    "none": NoScaling,
    "tensor": NoScaling,
}


def scaling(variable: Variable, shape: tuple[int | None, ...] = ()) -> AbstractScaling:
    """The unfitted scaling that a variable asks for; ``shape`` are the sizes of its trailing dimensions.

    Raises:
        OptionError: a scaling per component is asked for a dimension of unknown size.
    """
    if variable.scale != "components":
        return _KINDS[variable.scale]()
    if not shape or shape[-1] is None:
        raise OptionError(f"'{variable.name}' is scaled by components: its last dimension needs an Axis in the schema")
    return StandardScaling((shape[-1],))
