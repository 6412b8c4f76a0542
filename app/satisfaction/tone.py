"""Whether a text complains: a fixed list, so that it can be said why. A hint for a person, never a judgement.

Harm has a list of its own (`harm_words`), which two people change; these words only ask somebody to look when a high
score stands beside them.
"""

from __future__ import annotations

from app.satisfaction.harm_words import normal

COMPLAINS = (
    "不满意", "很差", "太差", "差劲", "太慢", "没修好", "没有修好", "修不好", "又坏了", "还是坏", "没人管", "没人理",
    "投诉", "失望", "推诿", "敷衍", "态度恶劣", "等了很久", "拖了很久", "乱收费", "不会再", "被要求好评", "要求打五星",
    "让我打五星", "terrible", "disappoint", "not fixed", "complain", "useless",
)  # fmt: skip
NEGATED = ("没有不满意", "并不失望", "没有投诉", "无投诉")


def complains(text: str) -> bool:
    """A word of complaint that is not itself denied."""
    plain = normal(text)
    for words in NEGATED:
        plain = plain.replace(normal(words), "")
    return any(normal(word) in plain for word in COMPLAINS)
