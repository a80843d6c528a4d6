"""Emulators of stiff chemical kinetics that conserve every element, stay positive and know their domain."""

from geodl.core.names import public_names

# Found on first use, so that one part does not import all others.
_HOME = {
    "Mechanism": "mechanism.mechanism",
    "read_mechanism": "mechanism.read",
    "Thermo": "thermo",
    "State": "state",
    "CanteraChemistry": "reference",
    "EmulatedChemistry": "emulator",
    "CompiledChemistry": "compiled",
    "GuardedChemistry": "guarded",
    "generate": "data.generate",
    "premixed": "cases.mixture",
    "Cells": "cases.reactor",
    "Reactors": "cases.reactor",
    "roll_out": "cases.reactor",
    "ignition_cases": "cases.ignition",
    "ignition_start": "cases.ignition",
    "ignition_delay": "cases.ignition",
    "reference_trajectory": "cases.ignition",
    "PremixedFlame": "cases.flame",
    "FreshGas": "cases.flame_speed",
    "flame_speeds": "cases.flame_speed",
    "MicmChemistry": "atmosphere.reference",
    "EmulatedAir": "atmosphere.air_emulator",
    "CompiledAir": "atmosphere.compiled_air",
    "Boxes": "atmosphere.box",
    "draw_boxes": "atmosphere.plan",
}
__all__ = list(_HOME)

__getattr__, __dir__ = public_names(__name__, _HOME)
