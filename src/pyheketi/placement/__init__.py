"""Which device gets which brick. Pure."""
