"""Coverage: who is insured by what, as functions of a person's key; `spans.Coverage` is what datasets ask."""
