"""``flask docs``: state diagrams from the workflow tables and the route/permission matrix from the marks."""

from __future__ import annotations

from pathlib import Path

import click

from app.core import policy
from app.core.policy import Permission
from app.core.web import Portal
from app.core.workflow import Workflow
from app.dispatch.planner.states import plan_workflow, row_workflow
from app.grants.workflow import workflow as grant
from app.lists.workflow import workflow as list_export
from app.registrations.images.workflow import workflow as badge_hold
from app.registrations.readings.states import reading_workflow
from app.registrations.workflow import workflow as registration
from app.safety.workflow import workflow as safety_case
from app.satisfaction.workflow import follow_workflow, rating_workflow
from app.staff.roles import ROLES
from app.tickets.workflow import workflow as ticket

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "generated"


def state_diagram(workflow: Workflow) -> str:
    """A Mermaid diagram and the table it was drawn from."""
    lines = [f"# {workflow.name}", "", "```mermaid", "stateDiagram-v2"]
    for row in workflow.transitions:
        lines.append(f"    {row.source.value if row.source else '[*]'} --> {row.target.value}: {row.action}")
    lines += ["```", "", "| from | action | to | who | message | audit event |", "|---|---|---|---|---|---|"]
    for row in workflow.transitions:
        who = row.who.value if isinstance(row.who, Permission) else row.who
        source = row.source.value if row.source else "–"
        cells = (source, row.action, row.target.value, who, row.message or "none", row.audit_event)
        lines.append(f"| {' | '.join(f'`{c}`' for c in cells)} |")
    return "\n".join(lines) + "\n"


def route_matrix(app: Portal) -> str:
    """Which route asks for what, and which role has it."""
    lines = ["# Routes and rights", "", "| route | methods | asks for |", "|---|---|---|"]
    for rule in sorted(app.url_map.iter_rules(), key=lambda r: (r.rule, r.endpoint)):
        mark = policy.mark_of(app, rule.endpoint)
        asks = mark.permission.value if mark and mark.permission else f"{mark.kind}" if mark else "?"
        extra = ", fresh sign-in" if mark and mark.step_up else ""
        extra += ", hidden from others" if mark and mark.hidden else ""
        methods = " ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        lines.append(f"| `{rule.rule.replace('|', '&#124;')}` | {methods} | {asks}{extra} |")
    lines += ["", "| right | sentence | roles (+ leads) |", "|---|---|---|"]
    for permission in Permission:
        holders = [role.value for role, spec in ROLES.items() if permission in spec.permissions]
        leads = [f"+{role.value}" for role, spec in ROLES.items() if permission in spec.lead]
        lines.append(f"| `{permission.value}` | {permission.sentence} | {' '.join(holders + leads) or 'none'} |")
    return "\n".join(lines) + "\n"


def pages(app: Portal) -> dict[str, str]:
    return {
        "registration-workflow.md": state_diagram(registration),
        "week-plan-workflow.md": state_diagram(plan_workflow),
        "week-plan-row-workflow.md": state_diagram(row_workflow),
        "ticket-workflow.md": state_diagram(ticket),
        "grant-workflow.md": state_diagram(grant),
        "badge-hold-workflow.md": state_diagram(badge_hold),
        "list-export-workflow.md": state_diagram(list_export),
        "second-reading-workflow.md": state_diagram(reading_workflow),
        "safety-case-workflow.md": state_diagram(safety_case),
        "rating-workflow.md": state_diagram(rating_workflow),
        "follow-up-workflow.md": state_diagram(follow_workflow),
        "routes.md": route_matrix(app),
    }


def register(app: Portal) -> None:
    @app.cli.command("docs")
    def docs_command() -> None:
        """Write docs/generated from the code."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in pages(app).items():
            (FOLDER / name).write_text(text)
            click.echo(f"docs/generated/{name}")
