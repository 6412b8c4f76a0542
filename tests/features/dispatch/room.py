"""A ground with clients."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.policy import Actor
from tests.factories import staff
from tests.features.dispatch.people import Ground
from tests.inspector import Inspector


@dataclass
class Room:
    """The clock stands at Monday nine."""

    app: object
    ground: Ground

    def client(self, who: Actor) -> Inspector:
        return staff.client_of(self.app, who.id)
