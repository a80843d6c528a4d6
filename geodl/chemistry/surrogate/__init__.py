"""Networks that step chemistry, and what they keep by construction."""
