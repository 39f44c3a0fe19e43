"""Doctor: one check per requirement; each finding says what is wrong and which clicks mend it."""
