"""The docks and what ties them to napari; the only folder that imports napari or Qt."""
