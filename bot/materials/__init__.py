"""The material library: files on disk, how people keep them, and how they get to WeCom in time."""
