"""A contract in the words of MySQL and PostgreSQL, as text."""
