"""Retries: the policy, its budget, and the one-call form."""
