"""What is plugged in: how each kind of load draws power, and where the thresholds lie."""
