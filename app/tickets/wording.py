"""The sentence by which a reporter attests that somebody else agreed to be the contact (requirements.md C13, C14).

A version is never changed: tickets keep its number, the ledger keeps its hash.
"""

from __future__ import annotations

from collections.abc import Mapping

CONTACT_WORDINGS: Mapping[str, str] = {
    "1": (
        "我已告知该联系人：其姓名和电话将提供给奥林巴斯及承接维修的服务商，仅用于联系本次维修；"
        "联系人可随时要求查询、更正或删除。该联系人已同意。"
    ),
}
CURRENT = "1"
