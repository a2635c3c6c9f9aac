"""Numbers: how fast and how large everything is. ``python -m benchmarks`` measures and writes docs/performance.md."""
