"""Reference flows: made by the solver, or read from what others made."""
