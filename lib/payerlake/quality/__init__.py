"""The quality dataset: HEDIS measures, Medicare Advantage plans, members, conditions, care gaps and their costs."""
