"""``heketi simulate``: what hardware volumes need, and what fits on the hardware there is (tools.md §5)."""
