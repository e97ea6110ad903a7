"""The pharmacy benefit dataset: plans, members, households, employer groups and enrollments, one module a table."""
