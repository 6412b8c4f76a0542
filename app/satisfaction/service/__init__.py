"""The only writer of ratings. Customers: `give_own` `give_by_token` `answer_second`. Staff: `judge`, `follow`, `lists`.

The clock and the tickets: `jobs`, `draw`. No verb changes a score.
"""

from __future__ import annotations

from app.satisfaction.service.follow import answer_second
from app.satisfaction.service.rate import Answer, give_by_token, give_own

__all__ = ["Answer", "answer_second", "give_by_token", "give_own"]
