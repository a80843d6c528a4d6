"""What is known of the mean flow in a block of cells, and what follows from it once for all features and tensors."""

import dataclasses
import functools
import math

import torch
from torch import Tensor

from geodl.turbulence.physics.blocks import contraction, deviator_of_block, product

LARGEST = 1e30  # beyond, further is all the same, and no product with zero is undefined
BETA_STAR = 0.09  # epsilon = BETA_STAR k omega


@dataclasses.dataclass(frozen=True)
class MeanFlow:
    """A block of cells, entries first and cells last: tensors ``[3, 3, cell]``, vectors ``[3, cell]``.

    Nothing here changes with a shift of the velocity but ``velocity``; vectors and tensors turn with the axes.

    Attributes:
        gradient: dU_i/dx_j, s-1.
        k, omega: turbulent kinetic energy m2 s-2 and specific dissipation rate s-1 of the RANS, positive.
        nu: kinematic viscosity m2 s-1.
        wall_distance: m.
        k_gradient, pressure_gradient: m s-2.
        velocity: m s-1.
    """

    gradient: Tensor
    k: Tensor
    omega: Tensor
    nu: Tensor | None = None
    wall_distance: Tensor | None = None
    k_gradient: Tensor | None = None
    pressure_gradient: Tensor | None = None
    velocity: Tensor | None = None

    @functools.cached_property
    def strain(self) -> Tensor:
        """Traceless S_ij, s-1."""
        return deviator_of_block((self.gradient + self.gradient.transpose(0, 1)) / 2)

    @functools.cached_property
    def rotation(self) -> Tensor:
        """W_ij, s-1."""
        return (self.gradient - self.gradient.transpose(0, 1)) / 2

    @functools.cached_property
    def strain_size(self) -> Tensor:
        """|S|, s-1."""
        return norm(self.strain.flatten(0, 1))

    @functools.cached_property
    def rotation_size(self) -> Tensor:
        """|W|, s-1."""
        return norm(self.rotation.flatten(0, 1))

    @functools.cached_property
    def gradient_size(self) -> Tensor:
        """sqrt(|S|² + |W|²), s-1; 1 where there is no gradient."""
        return torch.where(self._size > 0, self._size, 1)

    @functools.cached_property
    def _size(self) -> Tensor:
        return norm(torch.stack([self.strain_size, self.rotation_size]))

    @functools.cached_property
    def s(self) -> Tensor:
        """Strain rate in units of the gradient itself, |s|² + |r|² = 1: needs neither k nor omega."""
        return self.strain / self.gradient_size

    @functools.cached_property
    def r(self) -> Tensor:
        """Rotation rate in units of the gradient itself."""
        return self.rotation / self.gradient_size

    @functools.cached_property
    def speed(self) -> Tensor:
        """Turbulent velocity sqrt(k), m s-1."""
        return self.k.sqrt()

    @functools.cached_property
    def time(self) -> Tensor:
        """Turbulent time scale k/epsilon, s."""
        return 1 / (BETA_STAR * self.omega)

    @functools.cached_property
    def k_gradient_size(self) -> Tensor:
        """|∇k|, m s-2."""
        return norm(known(self.k_gradient, "k_gradient"))

    @functools.cached_property
    def pressure_gradient_size(self) -> Tensor:
        """|∇p|, m s-2."""
        return norm(known(self.pressure_gradient, "pressure_gradient"))

    @functools.cached_property
    def n(self) -> Tensor:
        """Direction of ∇k, zero where there is none."""
        size = self.k_gradient_size
        return known(self.k_gradient, "k_gradient") / torch.where(size > 0, size, 1)

    @functools.cached_property
    def q(self) -> Tensor:
        """∇p against the size that the mean flow gives it: shorter than 1, and nothing where ∇p is round-off."""
        scale = self.pressure_gradient_size + self.speed * self.gradient_size
        return known(self.pressure_gradient, "pressure_gradient") / scale

    @functools.cached_property
    def strained(self) -> dict[str, Tensor]:
        """The vectors s n, r n, s q and r q ``[3, cell]`` by name."""
        pairs = {"sn": (self.s, self.n), "rn": (self.r, self.n), "sq": (self.s, self.q), "rq": (self.r, self.q)}
        return {name: (tensor * vector).sum(1) for name, (tensor, vector) in pairs.items()}

    @functools.cached_property
    def energy(self) -> Tensor:
        """Energy that the true k is measured against, m2 s-2: k, and where the wall is known what is found next to it.

        In the viscous layer turbulence has k = 0.1 y⁺² u_τ², while k–ω models have next to nothing; 0.1 ν G y⁺², with
        G the shear and y⁺² = G d²/ν, is that law, levelled off at y⁺² = 20. It is small against k everywhere else.
        """
        if self.nu is None or self.wall_distance is None:
            return self.k
        shear = math.sqrt(2) * self.strain_size
        y_plus_squared = (shear * self.wall_time).clamp(max=LARGEST)
        return self.k + 0.1 * self.nu * shear * (y_plus_squared / (1 + y_plus_squared / 20))

    @functools.cached_property
    def wall_time(self) -> Tensor:
        """Viscous time across the wall distance d²/ν, s."""
        square = known(self.wall_distance, "wall_distance").square()
        return (square / known(self.nu, "nu")).clamp(max=LARGEST)

    @functools.cached_property
    def invariants(self) -> Tensor:
        """tr s², tr r², tr s³, tr r²s, tr r²s² of S k/epsilon and W k/epsilon ``[5, cell]``."""
        s2, r2 = product(self.s, self.s), product(self.r, self.r)
        pairs = ((self.s, self.s), (self.r, -self.r), (s2, self.s), (r2, self.s), (r2, s2))
        size = self.time * self._size
        powers = torch.stack([size**2, size**2, size**3, size**3, size**4])
        return torch.stack([contraction(a, b) for a, b in pairs]) * powers


def norm(vector: Tensor) -> Tensor:
    """Length of ``[entry, cell]``, safe from under- and overflow in float32; its derivative at zero is zero."""
    largest = vector.detach().abs().amax(0)
    none = largest == 0
    square = (vector / torch.where(none, 1, largest)).square().sum(0)
    return largest * torch.where(none, 1, square).sqrt()


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar product of vectors ``[3, cell]``."""
    return (a * b).sum(0)


def known(vector: Tensor | None, name: str) -> Tensor:
    assert vector is not None, f"a feature needs {name}, which its inputs do not name"
    return vector
