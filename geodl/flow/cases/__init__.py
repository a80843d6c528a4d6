"""Flows with known answers, for judging the solver, and the baselines that look answers up."""
