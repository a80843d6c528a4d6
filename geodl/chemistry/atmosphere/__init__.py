"""Atmospheric chemistry: the reference solver, conserved families, boxes with a diurnal cycle."""
