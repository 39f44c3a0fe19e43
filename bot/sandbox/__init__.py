"""A WeCom of our own on loopback: for the demo, for the tests, for trying rules."""
