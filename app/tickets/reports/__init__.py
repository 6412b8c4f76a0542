"""Reports of the tickets: what came, what waits, whether it was in time, what came back, what breaks.

Aggregates within a period of at most 366 days. Days are summed by a job (`service.daily`); a day that changed since is
counted from its rows when the page is read, so every figure is exact. Nobody is named or ranked.
"""
