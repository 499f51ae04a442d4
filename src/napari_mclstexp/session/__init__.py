"""What is open, what was made of it, and how it is kept; knows no screen."""
