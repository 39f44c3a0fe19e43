"""Taggers: the text of a message goes in, tags with their evidence come out; pure, no clock, storage or network."""
