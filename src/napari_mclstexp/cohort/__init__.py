"""Which sections, genes and spots a model learns from, and whether the table of them is right."""
