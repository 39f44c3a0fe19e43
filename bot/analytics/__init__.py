"""Analytics: reports, rule statistics, history and backtests; nothing here changes a customer."""
