"""Repair tickets: what is broken, how far the repair is, and what was promised until when."""
