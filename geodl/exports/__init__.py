"""Surrogates as code for solvers: one folder that needs nothing but a compiler."""
