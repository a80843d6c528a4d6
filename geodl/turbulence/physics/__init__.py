"""Tensors, scalars and closures of a stress: pure functions of what they are given, with cells first or in blocks."""
