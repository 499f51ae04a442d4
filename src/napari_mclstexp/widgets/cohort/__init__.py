"""The dock Cohort."""
