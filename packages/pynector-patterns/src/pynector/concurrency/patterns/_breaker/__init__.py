"""The circuit breaker: what it decides, and one call behind it."""
