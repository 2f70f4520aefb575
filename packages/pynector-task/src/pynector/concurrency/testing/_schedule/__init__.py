"""Schedules: who runs next, and the runs that obey them."""
