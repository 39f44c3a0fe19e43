"""The sandbox: a WeCom of our own on loopback, for the demo, the tests and trying rules.

It knows nothing of the product but its clock, so that errors of both cannot cancel out.
"""
