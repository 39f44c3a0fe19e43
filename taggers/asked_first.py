"""Asked first: whether a commitment hangs on what the same message asks the other side to tell, send or choose."""

from __future__ import annotations

import re

# 告诉我…, 拍一张发我, 回复公司名, 说一声: what the other side is to give before anything can be done.
_GIVE = re.compile(
    r"(?:告诉|告知|通知|联系|私信|留言给|转告)(?:一下|下)?我|(?:跟|和|同|与)我(?:说|讲|联系)|"
    r"(?:发|传|寄|拍|写|列|圈|转|报|拿|递|抄送)(?:一?[张份个条段下]|过来|出来|下来|张图)?(?:来|给我|我|过来)|"
    r"(?:回复?|扣|打)(?:一?[个声下]|我|公司|姓名|数字|[\d一二三])|截个?图|说一?[声说下]|喊一?声|招呼一?声|吱一?声"
)
_OF_OURS = re.compile(r"我(?:们|这边|来|先|再|会|就|让|请|帮|把|给|马上|这就)?[^您你，,]{0,4}$")
_INSTRUCTION = re.compile(r"(?:就行|就可以|就好|就能|即可|就成)(?:了|啦|的|哈|哦|啊)*|就(?:能|可以)\S{1,6}")
_TELLS = re.compile(r"[，,。！!；;\s]+")


def hangs_on_answer(before: str, *, at_once: bool) -> bool:
    """Say whether what stands before a commitment that names no time of its own makes it depend on the other side.

    before: the message up to the clause. at_once: whether it says 马上 or the like, which only follows a request.
    """
    told = before.rstrip("，,。！!；;、~～… ")
    if not told:
        return False
    if told[-1] in "?？吗":
        return not at_once
    last, sentence = _TELLS.split(told)[-1], re.split(r"[。！!?？；;]", told)[-1]
    return any(_asks_to_give(one) for one in (last, *_TELLS.split(sentence)))


def is_instruction(clause: str, at: int) -> bool:
    """Say whether a clause says how the other side gets it by itself: 把名片推过去就行, 回复姓名就能开通."""
    return _INSTRUCTION.search(clause, at) is not None or _asks_to_give(clause, at)


def _asks_to_give(clause: str, before: int | None = None) -> bool:
    found = _GIVE.search(clause)
    if found is None or (before is not None and found.start() > before):
        return False
    return _OF_OURS.search(clause[: found.start()]) is None
