"""Reads of tickets. What a customer may read is `readable`, everywhere; submodules are imported by name."""
