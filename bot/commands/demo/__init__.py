"""The demo: the whole product with a sandbox WeCom, and a story that plays the main job without a person."""
