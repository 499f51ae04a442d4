"""A whole-slide image as lazy pyramid levels with µm per pixel; one file a reader, one face."""

from .registry import open_slide
from .slide import Level, Slide

__all__ = ["Level", "Slide", "open_slide"]
