"""Solvers of ordinary differential equations, and exact gradients through them."""
