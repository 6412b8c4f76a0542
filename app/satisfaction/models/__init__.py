"""Tables of satisfaction: what was rated, what was said, who looked at it, what was done about it."""

from __future__ import annotations

from app.satisfaction.models.audit import ComplaintDecision, HarmWordList, RatingAudit, RatingDraw
from app.satisfaction.models.follow import REFERENCE_MAX_CHARS, FollowUp, FollowUpRound
from app.satisfaction.models.hints import Look, LookRun, ThemeRun
from app.satisfaction.models.job import COMMENT_MAX_CHARS, RatedJob, RatedPerson, Rating, RatingFlag
from app.satisfaction.models.sums import RatingStale, RatingSum

__all__ = [
    "COMMENT_MAX_CHARS", "REFERENCE_MAX_CHARS", "ComplaintDecision", "FollowUp", "FollowUpRound", "HarmWordList",
    "Look", "LookRun", "RatedJob", "RatedPerson", "Rating", "RatingAudit", "RatingDraw", "RatingFlag", "RatingStale",
    "RatingSum", "ThemeRun",
]  # fmt: skip
