"""What ``heketi`` does besides serving: take over databases, give them back, look into them (config.md §4)."""
