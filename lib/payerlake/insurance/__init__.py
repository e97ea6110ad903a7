"""The insurance dataset: insurers, plans, facilities, conditions, members, enrollments, diagnoses and claims."""
