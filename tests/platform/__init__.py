"""Tests of the ground: store, queue, config, gateway."""
