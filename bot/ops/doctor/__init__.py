"""The doctor: one check a requirement, each finding with what is wrong and the clicks that mend it."""
