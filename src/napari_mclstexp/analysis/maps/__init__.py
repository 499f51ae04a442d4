"""Values of spots as pictures: heatmaps, contours, colour limits."""
