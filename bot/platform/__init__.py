"""The ground all rooms stand on: clock, environment, log, encryption, queue. Nothing here knows what a customer or an SOP is."""
