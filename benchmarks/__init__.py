"""Numbers: how fast and how large everything is. ``python -m benchmarks`` measures."""
