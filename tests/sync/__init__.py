"""Tests of the sync with WeCom."""
