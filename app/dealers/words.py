"""What codes of dealers and contracts read as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.worklist import Chip
from app.dealers.models import AtTheEnd, DealerRole, SubEntrusting
from app.dealers.queries import ContractState

ROLE_LABELS: Mapping[str, Any] = {
    DealerRole.ENTRUSTED.value: _l("受托处理"),
    DealerRole.INDEPENDENT.value: _l("独立处理"),
}
AT_THE_END: Mapping[str, Any] = {AtTheEnd.RETURN.value: _l("返还"), AtTheEnd.DELETE.value: _l("删除")}
SUB_ENTRUSTING: Mapping[str, Any] = {
    SubEntrusting.FORBIDDEN.value: _l("不得转委托"),
    SubEntrusting.WITH_CONSENT.value: _l("须经我方书面同意"),
}
CONTRACT_CHIPS: Mapping[str, Chip] = {
    ContractState.DRAFT: Chip(_l("草稿"), "idle", "ring"),
    ContractState.COMING: Chip(_l("尚未开始"), "wait", "ring"),
    ContractState.IN_FORCE: Chip(_l("有效"), "done", "dot"),
    ContractState.SOON: Chip(_l("即将到期"), "soon", "half"),
    ContractState.LAPSED: Chip(_l("已到期"), "late", "bar"),
    ContractState.ENDED: Chip(_l("已终止"), "idle", "bar"),
    ContractState.REVOKED: Chip(_l("已解除"), "late", "cross"),
}
NO_CONTRACT = Chip(_l("没有合同"), "late", "cross")
