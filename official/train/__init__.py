"""Training: one step, and what happens around the steps."""
