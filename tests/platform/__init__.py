"""Tests of bot/platform: store, queue, config, gateway and the rest."""
