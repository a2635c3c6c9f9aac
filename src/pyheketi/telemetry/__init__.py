"""What the server tells about itself: logging now, metrics later."""
