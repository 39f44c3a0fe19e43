"""Figures: reports, rule statistics, history and backtests. Nothing here changes a customer."""
