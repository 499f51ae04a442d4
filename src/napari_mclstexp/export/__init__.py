"""How a result leaves: AnnData, SpatialData, GeoJSON, CSV, figure, HTML."""
