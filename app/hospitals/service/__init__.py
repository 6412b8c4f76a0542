"""The only writer of the directory."""

from app.hospitals.service.directory import (
    HospitalData,
    add_department,
    create_hospital,
    create_many,
    merge_hospitals,
    set_active,
    set_department_active,
    update_hospital,
)
from app.hospitals.service.mapping import (
    map_to_department,
    map_to_hospital,
    map_to_new_department,
    map_to_new_hospital,
    refuse_unknown,
    report_unknown,
)

__all__ = [
    "HospitalData",
    "add_department",
    "create_hospital",
    "create_many",
    "map_to_department",
    "map_to_hospital",
    "map_to_new_department",
    "map_to_new_hospital",
    "merge_hospitals",
    "refuse_unknown",
    "report_unknown",
    "set_active",
    "set_department_active",
    "update_hospital",
]
