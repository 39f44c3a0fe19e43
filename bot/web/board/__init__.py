"""The board: its pages, filters, live updates and moves."""
