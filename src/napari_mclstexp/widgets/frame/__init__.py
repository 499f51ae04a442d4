"""What is there whichever dock is open: the gene bar, notes on the canvas, folded layer panels."""
