"""Reads of grants; submodules are imported by name (`own`, `case`, `lists`, `reviews`)."""
