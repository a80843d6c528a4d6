"""Dynamics from partial, noisy, coarse or irregular observation."""
