"""Reports of the review: how much came and went, what waits, whether it was in time, why, and by whom.

Figures are aggregates of events within a period; uncertainty is drawn, small numbers are said in words, nobody is
ranked (reference/review.md 6).
"""
