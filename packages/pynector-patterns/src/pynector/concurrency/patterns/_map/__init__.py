"""Bounded maps: workers that pull items from one input."""
