"""Pages for config.toml: rules, SOPs, materials, backtests and the file itself."""
