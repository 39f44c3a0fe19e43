"""Tests of agents, our own people."""
