"""The dock Save and export."""
