"""The docks Genes, Evidence and Domains."""
