"""Whatever comes from outside, bent without end; `make fuzz` bends for a long time."""
