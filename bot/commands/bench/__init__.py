"""Measurements, each beside a control in the same run, and the made-up customers they are taken on."""
