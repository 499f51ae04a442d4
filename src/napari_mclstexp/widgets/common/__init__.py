"""What all docks share."""
