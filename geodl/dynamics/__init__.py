"""Learned dynamical systems: Lorenz-63 and its reference trajectories, neural ODEs, measures of forecast skill."""
