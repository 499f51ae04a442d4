"""A slide becomes expression: patches, features, retrieval, one AnnData."""
