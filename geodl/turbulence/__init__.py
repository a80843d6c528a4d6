"""Learned closures: tensor-basis networks for the Reynolds-stress anisotropy, the physics around them, and solvers."""

from geodl.core.names import public_names

# Found on first use, so that one part does not import all others.
_HOME = {
    "read_openfoam": "openfoam.case",
    "write_openfoam": "openfoam.write",
    "write_column": "openfoam.column",
    "read_vtk": "openfoam.vtk",
    "complete": "datasets.completion",
    "flow_dataset": "datasets.layout",
    "join": "datasets.layout",
    "strain_rate": "physics.velocity_gradient",
    "rotation_rate": "physics.velocity_gradient",
    "invariants": "physics.invariants",
    "tensor_basis": "physics.tensor_basis",
    "gradient_basis": "physics.tensor_basis",
    "anisotropy": "physics.anisotropy",
    "reynolds_stress": "physics.anisotropy",
    "linear_eddy_viscosity": "physics.eddy_viscosity",
    "quadratic_eddy_viscosity": "physics.eddy_viscosity",
    "split_stress": "physics.eddy_viscosity",
    "is_realizable": "physics.realizability",
    "realizable": "physics.realizability",
    "barycentric": "physics.barycentric",
    "barycentric_colour": "physics.barycentric",
    "barycentric_figure": "physics.barycentric",
    "colour_map_figure": "physics.barycentric",
    "FEATURES": "physics.features",
    "TensorBasisNetwork": "network",
    "frobenius_error": "physics.metrics",
    "channel_flow": "a_posteriori.channel",
    "reference_channel": "a_posteriori.measured_channel",
    "channel_with": "a_posteriori.corrected_channel",
    "duct_with": "a_posteriori.corrected_duct",
}
__all__ = list(_HOME)

__getattr__, __dir__ = public_names(__name__, _HOME)
