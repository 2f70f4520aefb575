"""trio under control."""
