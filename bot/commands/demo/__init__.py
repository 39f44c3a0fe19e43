"""The main job played without a person, chapter by chapter; a step counts only if it was observed."""
