"""Pages about one customer or one group chat: conversation, timeline, media, actions."""
