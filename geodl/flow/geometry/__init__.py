"""Geometry of bodies: exact signed distances."""
