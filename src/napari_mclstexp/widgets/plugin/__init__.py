"""What napari calls: readers and sample data."""
