"""The shell: everything that touches the world (WeCom, database, queue, web pages, command line)."""
