"""Provider finance: patients of clinics, their capitation and claims, and what each provider's sum to."""
