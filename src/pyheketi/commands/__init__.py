"""Text that goes to nodes and comes back: commands are built and quoted here, answers are parsed here. Pure."""
