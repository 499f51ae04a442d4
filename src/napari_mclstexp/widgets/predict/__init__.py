"""The dock Predict."""
