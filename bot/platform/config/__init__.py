"""config.toml: read and checked, edited by pages, reloaded when it changes, its versions kept."""
