"""The processes behind the pages: RQ worker, scheduler, the jobs by name and the table of outbox handlers."""
