"""What is to be drawn, as frozen values; knows no screen."""
