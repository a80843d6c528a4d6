"""Simulations that call chemistry: reactors, batches of cells, flames."""
