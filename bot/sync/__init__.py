"""WeCom and the board made one: profiles, tags, directory, import, nightly comparison."""
