"""Tensor-basis networks for the Reynolds-stress anisotropy of RANS flows."""
