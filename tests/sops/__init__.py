"""Tests of SOPs for one customer."""
