"""config.toml as a file: read for mistakes, changed by pages, taken anew when edited, its versions kept."""
