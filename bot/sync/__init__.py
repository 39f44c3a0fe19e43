"""Synchronisation with WeCom: profiles, tags, directory, import and the nightly comparison."""
