"""Tables of grants."""
