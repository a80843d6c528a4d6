"""Draw an obstacle and watch the flow: one local page, and the JSON endpoints behind it."""
