"""What a predicted stress does to a flow: plane channel and fully developed duct, solved in numpy and scipy."""

from geodl.turbulence.a_posteriori.channel import channel_flow, channel_velocity
from geodl.turbulence.a_posteriori.corrected_channel import channel_with
from geodl.turbulence.a_posteriori.corrected_duct import duct_with
from geodl.turbulence.a_posteriori.duct import duct_flow, duct_velocity
from geodl.turbulence.a_posteriori.grid import DuctGrid
from geodl.turbulence.a_posteriori.measured_channel import reference_channel, wall_law
from geodl.turbulence.a_posteriori.secondary import SecondaryFlow, refined_secondary_flow, secondary_flow
from geodl.turbulence.a_posteriori.stress import stress_remainder

__all__ = [
    "DuctGrid",
    "SecondaryFlow",
    "channel_flow",
    "channel_velocity",
    "channel_with",
    "duct_flow",
    "duct_velocity",
    "duct_with",
    "reference_channel",
    "refined_secondary_flow",
    "secondary_flow",
    "stress_remainder",
    "wall_law",
]
