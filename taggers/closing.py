"""Closing words: what a customer says to end a talk (谢谢, 好的, 嗯嗯), which nobody has to answer.

A message that is nothing but such words, forms of address, particles, signs and emoji closes. The words are config
([[closings]]), with examples that are checked at every load; without a table the usual ones below hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pydantic import Field

from taggers.fold import fold
from taggers.rule import Examples, Table, Words
from taggers.translatable import Translatable

_USUAL = """
谢谢 感谢 多谢 谢 蟹蟹 3q thx thanks thankyou thank 好的
好滴 好哒 好嘞 好勒 好呀 好啊 好吧 好好 好 行 行吧 成 中 可以 可以的 没问题
ok okk okay okey 欧克 嗯 嗯嗯 恩 恩恩 嗯呐 唔 哦 噢 喔 收到
知道 知道了 明白 明白了 了解 了解了 懂了 清楚了 晓得了 辛苦 辛苦了 不客气
客气了 客气 没事 没事儿 没关系 麻烦 麻烦了 麻烦你了 麻烦您了 再见 拜拜 拜 88
bye 晚安 早安 早上好 中午好 下午好 晚上好 早 周末愉快 新年快乐 节日快乐 哈哈
呵呵 嘻嘻 嘿嘿 赞 棒 厉害 真好 太好了 不错 挺好 对 是 没错 不用 不需要
先这样 就这样 算了 回聊 你忙 您忙 不打扰了 打扰了 不好意思 不着急 不急 慢慢来
随时联系 合作愉快 加油 必须的 那必须 就是 确实
"""
_AROUND = (
    "老师|亲爱的|亲|宝|姐|哥|您|你|我|了|啦|哈|呀|啊|哦|呢|的|哟|喽|嘛|吧|那|就|先|都|也|太|很|非常|真是?|万分|"
    "给|让|费心|一下|哒|滴|捏|噢|嘞|们|大家|"
    "小姐姐|师傅|医生|护士|经理|顾问|这边|有"
)
_SIGNS = r"[\s\W_]|\[[^\[\]\s]{1,8}\]"
_BRACKETED = re.compile(r"\[[^\[\]\s]{1,8}\]")


class Closing(Table):
    """[[closings]]: words that end a talk; `examples.hit` must close, `examples.miss` must not."""

    words: Words = Field(min_length=1, max_length=500)
    examples: Examples = Examples()


class Closings:
    """All closing words of one config, ready to be asked."""

    def __init__(self, tables: Sequence[Closing] = ()) -> None:
        words = {fold(word) for table in tables for word in table.words} or {fold(word) for word in _USUAL.split()}
        said = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if word)
        self._all = re.compile(rf"(?:{said}|{_AROUND}|{_SIGNS})*+")
        self._any = re.compile(said)

    def closes(self, folded: str) -> bool:
        """Tell whether a folded message only ends the talk; signs and emoji alone do, a question mark does not."""
        if "?" in folded or "？" in folded or len(folded) > 60:
            return False
        bare = _BRACKETED.sub("", folded)
        return self._all.fullmatch(bare) is not None and (
            self._any.search(bare) is not None or not any(char.isalnum() for char in bare)
        )


def check_closings(tables: Sequence[Closing]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Give every example that does not come out as it should, with its place."""
    closings = Closings(tables)
    for at, table in enumerate(tables):
        for kind, wanted in (("hit", True), ("miss", False)):
            yield from _wrong(closings, (at, kind), wanted, getattr(table.examples, kind))


def _wrong(
    closings: Closings, place: tuple[int, str], wanted: bool, examples: Iterable[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    at, kind = place
    for number, text in enumerate(examples):
        if closings.closes(fold(text)) is not wanted:
            message = (
                Translatable("例句「{text}」应当算收尾的话，却没有：words 里缺一个词", text=text)
                if wanted
                else Translatable("例句「{text}」不应当算收尾的话，却算了：words 里有一个词太宽", text=text)
            )
            yield ("closings", at, "examples", kind, number), message


USUAL = Closings()
