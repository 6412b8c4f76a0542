"""Service-level clocks: what was promised, how the time was counted, and what warns before it is over."""
