"""Reports of the tickets: what came, what waits, whether it was in time, what came back, what breaks.

Aggregates within a period of at most 366 days, counted in SQL from the rows themselves: always exact, and bounded by
the period and by what is open, never by the table. Nobody is named or ranked.
"""
