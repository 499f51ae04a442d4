"""One file a kind of file that spots come in."""
