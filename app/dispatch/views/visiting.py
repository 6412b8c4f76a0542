"""The rooms of whoever goes, and of whoever watches what was disclosed to him: jobs, the disclosure ledger, visits."""

from flask import Blueprint

jobs_bp = Blueprint("jobs", __name__, url_prefix="/jobs", template_folder="../templates")
disclosures_bp = Blueprint("disclosures", __name__, url_prefix="/privacy/disclosures", template_folder="../templates")

visits_bp = Blueprint("visits", __name__, url_prefix="/dispatch", template_folder="../templates")

from app.dispatch.views import disclosures, job_acts, job_photos, job_tasks, jobs, resume  # noqa: E402

__all__ = [
    "disclosures", "disclosures_bp", "job_acts", "job_photos", "job_tasks", "jobs", "jobs_bp", "resume", "visits_bp",
]  # fmt: skip
