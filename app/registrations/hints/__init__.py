"""Helpers that only hint: text read on the badge, and photos that were used before. All of it may be absent."""
