"""What is true of a human being whatever table speaks of it."""
