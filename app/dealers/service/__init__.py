"""The only writer of dealers and of the register of contracts."""

from app.dealers.service.contracts import (
    ContractData,
    add_contract,
    change_contract,
    confirm_contract,
    confirm_deletion,
    end_contract,
    missing_elements,
)
from app.dealers.service.directory import DealerData, add_dealer, change_dealer, set_active

__all__ = [
    "ContractData",
    "DealerData",
    "add_contract",
    "add_dealer",
    "change_contract",
    "change_dealer",
    "confirm_contract",
    "confirm_deletion",
    "end_contract",
    "missing_elements",
    "set_active",
]
