"""What a table promises, and the settings that a dataset is made from."""
