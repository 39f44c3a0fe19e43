"""Measurements, each beside a named bound in the same run, and the made-up company they are taken on."""
