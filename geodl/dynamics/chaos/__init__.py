"""What is asked of a model of a chaotic system: skill, climate, exponents, ensembles, tangents."""
