"""The long test: the whole product as processes, broken at random by a seed while thousands of messages pass."""
