"""The base of all rooms: clock, environment, log, encryption, queue, database, config, gateway.

Nothing here decides anything about a customer or an SOP.
"""
