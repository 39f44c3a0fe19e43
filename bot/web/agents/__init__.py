"""Pages for agents: tasks, the day list and the sidebar inside WeCom."""
