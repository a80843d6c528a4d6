"""The two-scale Lorenz-96 system: a learned subgrid tendency in a coarse model."""
