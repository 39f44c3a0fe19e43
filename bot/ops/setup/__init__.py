"""Guided installation: what is asked, what is wrong with an answer, and the file of the environment it fills."""
