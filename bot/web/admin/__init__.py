"""Pages for admins: members, doctor, logs and reports."""
