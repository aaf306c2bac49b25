"""HTTP to services and back; no decisions."""
