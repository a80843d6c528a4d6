"""Fields with physics inside: known equations, known plus learned, more components than observed, energy conserved."""

import inspect
from collections.abc import Callable, Collection

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geodl.errors import OptionError, SchemaError, UnknownNameError, did_you_mean
from geodl.train.baselines import least_squares


class KnownField(nn.Module):
    """Known equations as a field, such as ``KnownField(lorenz63, learn=["rho"], rho=20.0)``.

    Parameters that are learned are of ``nn.Parameter``, the others buffers: both are saved, and moved with the module.
    Buffers begin in float64, so that 8/3 stays 8/3; numbers without dimensions leave the dtype of states alone.

    Args:
        rate: ``rate(state, *parameters)`` with a default for every parameter.
        learn: names of the parameters to learn, from their values here.
        values: of parameters that shall not begin at their defaults.
    Raises:
        UnknownNameError: the equations have no such parameter.
    """

    def __init__(self, rate: Callable[..., Tensor], *, learn: Collection[str] = (), **values: float):
        super().__init__()
        _, *parameters = inspect.signature(rate).parameters.values()
        self.rate, self.names = rate, [parameter.name for parameter in parameters]
        for name in [*learn, *values]:
            if name not in self.names:
                raise UnknownNameError(f"the equations have no parameter {name!r}. {did_you_mean(name, self.names)}")
        for parameter in parameters:
            value = float(values.get(parameter.name, parameter.default))
            if parameter.name in learn:
                self.register_parameter(parameter.name, nn.Parameter(torch.tensor(value)))
            else:
                self.register_buffer(parameter.name, torch.tensor(value, dtype=torch.float64))

    def forward(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        del t
        return self.rate(state, **{name: getattr(self, name) for name in self.names})


class HybridField(nn.Module):
    """Known physics plus what a network adds: du/dt = known(t, u) + learned(t, u).

    Args:
        known, learned: fields of the same state, in the same units.
        frozen: leave the parameters of the known part alone, whatever they were made as.
    """

    def __init__(self, known: nn.Module, learned: nn.Module, *, frozen: bool = True):
        super().__init__()
        self.known, self.learned = known, learned
        if frozen:
            known.requires_grad_(False)

    def forward(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        rate: Tensor = self.known(t, state) + self.learned(t, state)
        return rate


class ScaledField(nn.Module):
    """A field of physical states as one of scaled states: with u = mean + std z and t = dt s, dz/ds = dt f(u) / std.

    Args:
        field: in physical units.
        mean, std: of each component, in physical units.
        dt: physical time that counts as one.
    """

    def __init__(self, field: nn.Module, mean: Float[Tensor, "n"], std: Float[Tensor, "n"], dt: float):
        super().__init__()
        self.field, self.dt = field, dt
        self.register_buffer("mean", mean.detach().clone())
        self.register_buffer("std", std.detach().clone())

    mean: Tensor
    std: Tensor

    def forward(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        rate: Tensor = self.dt * self.field(self.dt * t, self.mean + self.std * state) / self.std
        return rate


class AugmentedField(nn.Module):
    """A field of observed components as one of the state [x; y] with latent y, which it leaves at rest.

    As the known part of a `HybridField` it gives physics to what is observed, and the network the rest.

    Args:
        field: of the observed components.
        observed, latent: how many components of each there are; observed ones come first.
    Raises:
        OptionError: nothing is observed, or a negative number of components.
    """

    def __init__(self, field: nn.Module, observed: int, latent: int):
        super().__init__()
        if observed < 1 or latent < 0:
            raise OptionError(f"observed={observed}, latent={latent}, expected observed >= 1 and latent >= 0")
        self.field, self.observed, self.latent = field, observed, latent

    def forward(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        return self.augment(self.field(t, self.observe(state)))

    def observe(self, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch observed"]:
        """The observed part of a state or of a trajectory.

        Raises:
            SchemaError: the state has another size.
        """
        if state.shape[-1] != self.observed + self.latent:
            raise SchemaError(
                f"the state has {state.shape[-1]} components, expected {self.observed} observed + {self.latent} latent"
            )
        return state[..., : self.observed]

    def augment(self, observed: Float[Tensor, "*batch observed"]) -> Float[Tensor, "*batch n"]:
        """An observed state with all latent components at zero."""
        return nn.functional.pad(observed, (0, self.latent))


class EnergyPreservingField(nn.Module):
    """f(u) = c + L u + S(u) u with S(u) = Σ_k u_k S_k antisymmetric, so that uᵀ S(u) u = 0 whatever the weights.

    The quadratic part neither makes nor destroys energy ½‖u‖², as the advection of a fluid; every quadratic form that
    does so can be written in this way.

    Source: Schlegel & Noack 2015, On long-term boundedness of Galerkin models, J. Fluid Mech. 765, 325.
    """

    def __init__(self, size: int):
        super().__init__()
        upper, lower = torch.triu_indices(size, size, offset=1)
        self.register_buffer("upper", upper)
        self.register_buffer("lower", lower)
        self.constant = nn.Parameter(torch.zeros(size))
        self.linear = nn.Parameter(torch.zeros(size, size))
        self.quadratic = nn.Parameter(torch.zeros(len(upper), size))

    upper: Tensor
    lower: Tensor

    def advection(self, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        """S(u) u, in which the pair (i, j) moves energy from one component to the other."""
        turn = state @ self.quadratic.mT
        gained, lost = turn * state[..., self.lower], -turn * state[..., self.upper]
        zero = torch.zeros_like(state)
        return zero.index_add(-1, self.upper, gained).index_add(-1, self.lower, lost)

    def forward(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        del t
        return self.constant + state @ self.linear.mT + self.advection(state)

    @torch.no_grad()
    def warm_start(self, state: Float[Tensor, "sample n"], increment: Float[Tensor, "sample n"]) -> None:
        """Least squares of the change over one data interval: the solution of forward Euler."""
        weights = dict(self.named_parameters())

        def rates(values: dict[str, Tensor]) -> Tensor:
            rate: Tensor = torch.func.functional_call(self, values, (state.new_zeros(()), state))
            return rate

        derivatives = torch.func.jacfwd(rates)(weights)  # the field is linear in its weights
        design = torch.cat([derivatives[name].flatten(0, 1).flatten(1) for name in weights], 1)
        solution = least_squares(design, increment.reshape(-1, 1)).squeeze(1)
        nn.utils.vector_to_parameters(solution, weights.values())
