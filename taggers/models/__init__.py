"""Models of customers: pure, each in a module that gives its formula, its units and where it comes from."""
