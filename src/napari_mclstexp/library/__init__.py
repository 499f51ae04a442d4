"""What can be had by name (weights, data sets, models), and where it is kept on this machine."""
