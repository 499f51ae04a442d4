"""The scene, applied to napari's layers."""
