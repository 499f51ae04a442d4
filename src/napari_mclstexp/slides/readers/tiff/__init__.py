"""TIFF and OME-TIFF: layout, metadata and tiles."""
