"""One file a kind of slide; all fulfil the contract of `slides.slide.Slide`."""
