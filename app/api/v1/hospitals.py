"""The directory of hospitals, by name or by position."""

from __future__ import annotations

import uuid

from app.api.v1.blueprint import bp
from app.api.v1.operations import operation
from app.api.v1.schemas import DepartmentOut, DepartmentsOut, HospitalOut, HospitalQuery, HospitalsOut
from app.core.errors import NotFound
from app.core.policy import customer
from app.hospitals import queries


@bp.get("/hospitals")
@customer()
@operation("Hospitals by name or near a position", query=HospitalQuery, answers={200: HospitalsOut})
def hospitals(query: HospitalQuery) -> HospitalsOut:
    if query.lat is not None and query.lon is not None:
        hits = queries.nearest(query.lat, query.lon)
    else:
        hits = queries.search(query.q or "")
    return HospitalsOut(
        items=[HospitalOut(id=h.id, name=h.name, province=h.province, city=h.city, km=h.km) for h in hits]
    )


@bp.get("/hospitals/<uuid:hospital_id>/departments")
@customer()
@operation("Departments of a hospital", answers={200: DepartmentsOut}, problems={404: ("not_found",)})
def departments(hospital_id: uuid.UUID) -> DepartmentsOut:
    hospital = queries.live(hospital_id)
    if hospital is None:
        raise NotFound()
    rows = queries.departments(hospital.id)
    return DepartmentsOut(items=[DepartmentOut(id=d.id, name=d.name, parent_id=d.parent_id) for d in rows])
