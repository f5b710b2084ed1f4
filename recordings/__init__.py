"""Takes, segments and recordings: one more subscriber of the relay."""
