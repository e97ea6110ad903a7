"""From an order to a published dataset: made, counted, checked, put in place whole."""
