"""What runs an encoder: torch on a processor or a GPU, or OpenVINO; all behind one face."""
