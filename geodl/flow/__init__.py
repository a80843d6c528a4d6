"""Flow around bodies: signed distances, a lattice Boltzmann reference solver, surrogates that keep mass and walls."""

from geodl.core.names import public_names

# Found on first use, so that one part does not import all others.
_HOME = {
    "Grid": "geometry.grid",
    "Shape": "geometry.shapes",
    "Circle": "geometry.shapes",
    "Ellipse": "geometry.ellipse",
    "Polygon": "geometry.polygon",
    "regular_polygon": "geometry.polygon",
    "Rounded": "geometry.shapes",
    "Airfoil": "geometry.airfoil",
    "Union": "geometry.shapes",
    "signed_distance": "geometry.signed_distance",
    "frontal_height": "geometry.frontal_height",
    "read_stl": "geometry.stl",
    "LatticeBoltzmann": "lattice_boltzmann",
    "SteadyFlow": "lattice.steady",
    "Scales": "lattice.scales",
    "Sides": "lattice.sides",
    "Inlet": "lattice.sides",
    "NoSlip": "lattice.sides",
    "Slip": "lattice.sides",
    "Periodic": "lattice.sides",
    "PressureOutlet": "lattice.sides",
    "ConvectiveOutlet": "lattice.sides",
    "generate": "data.generate",
    "flow_dataset": "data.layout",
    "random_shape": "data.random_shapes",
    "random_vehicle": "data.vehicles",
    "read_deepcfd": "data.deepcfd",
    "read_airfoil_arrays": "data.airfoil_arrays",
    "control_volume_forces": "control_volume",
    "stream_function": "maps",
    "flow_map": "maps",
    "flow_figure": "maps",
}
__all__ = list(_HOME)

__getattr__, __dir__ = public_names(__name__, _HOME)
