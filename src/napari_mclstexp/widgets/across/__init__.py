"""The dock Across slides: places, maps and regions of several open slides together."""
