"""What is said to this process before it works, and measured of it while it does."""
