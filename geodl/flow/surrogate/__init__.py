"""Networks that predict flows, what they see of a body, and what they keep by construction."""
