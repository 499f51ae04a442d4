"""A whole-slide image as lazy pyramid levels with µm per pixel; one file a reader, one face."""

from .base import Level, Slide
from .registry import open_slide

__all__ = ["Level", "Slide", "open_slide"]
