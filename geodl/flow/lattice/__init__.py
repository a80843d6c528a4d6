"""The lattice Boltzmann method, part by part."""
