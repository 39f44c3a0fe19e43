"""Tests of what `flask` offers."""
