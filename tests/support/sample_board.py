"""A small realistic board for tests of pages, with hostile names and texts among the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.platform import clock
from tests.support.rows import Rows
from tests.support.site import Site

SCRIPT = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
RIGHT_TO_LEFT = "\u202eمرحبا txt.exe\u202e"
EMOJI = "👩‍👩‍👧‍👦🈚️🎉"
LONG = "很长的话" * 2500  # 10,000 characters without a break
HOSTILE = (SCRIPT, RIGHT_TO_LEFT, EMOJI, LONG)


@dataclass(frozen=True)
class SampleBoard:
    """The ids of some rows of the board."""

    asking: int
    hostile: tuple[int, ...]
    task: int
    agent: int
    ref: str  # of the task


def fill_board(site: Site) -> SampleBoard:
    """Fill the board with people, messages, tags and tasks."""
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        wang, zhao = rows.agent("王老师"), rows.agent("赵敏")
        asking = rows.customer("李女士", None, wang, last_words="你们的课多少钱？有优惠吗", last_word_at=rows.now)
        rows.place(asking, "考虑价格", ago=timedelta(hours=3))
        rows.message(asking, "您好，我是王老师，很高兴认识您！", wang, ago=timedelta(days=1))
        rows.message(asking, "", line="[图片]", ago=timedelta(hours=4))
        asked = rows.message(asking, "你们的课多少钱？有优惠吗", ago=timedelta(hours=3))
        rows.evidence(asked, [["多少钱", 4, 7]], "考虑价格", "命中 多少钱 → 价格；非否定；疑问句")
        rows.evidence(asked, [["优惠", 9, 11]], "优惠敏感", "命中 优惠；非否定；疑问句", "discount")
        rows.tag(asking, "考虑价格", reason="命中 多少钱 → 价格；非否定；疑问句")
        rows.tag(asking, "优惠敏感", reason="命中 优惠；非否定；疑问句")
        rows.tag(asking, "高意向", by="human")
        rows.tag(asking, "首次咨询", removed_at=rows.now, removed_because="到期")
        text = "李女士您好，课程分三档：199 元、2999 元和 9999 元。\n您现在最想解决的是拍照还是剪辑？我帮您对一对。"
        task = rows.task(asking, wang, text, steps=3, state="delivered", due_at=rows.now - timedelta(minutes=5))
        done = rows.customer("陈先生", "成交", zhao, last_words="已经付款了，谢谢老师")
        rows.task(
            done, zhao, "陈先生，开课时间发您了。", state="replied", outcome="edited", similarity=0.83,
            timing="in-time", completed_at=rows.now, replied_at=rows.now,
        )  # fmt: skip
        for number, name in enumerate(("周周", "阿May", "宝妈小林", "大刘", "Echo", "吴阿姨", "张三丰")):
            words = (
                "在吗",
                "请问几点开课",
                "好的谢谢",
                "我再想想",
                "",
                "孩子能一起听吗？平时工作比较忙，只有晚上有空",
                "嗯嗯",
            )
            someone = rows.customer(name, None, (wang, zhao)[number % 2], last_words=words[number])
            rows.place(someone, "新线索" if number < 5 else "流失", ago=timedelta(hours=7 * number, minutes=3))
        rows.customer("", "新线索", wang)
        hostile = []
        for foul in HOSTILE:
            person = rows.customer(foul[:128], "考虑价格", wang, last_words=foul[:200])
            rows.evidence(rows.message(person, foul), [[foul[:9], 0, 9]], foul[:30], foul[:500])
            rows.tag(person, foul[:30], reason=foul[:500])
            rows.task(person, wang, foul, why=foul[:200], state="delivered")
            hostile.append(person.id)
        rows.place(asking, "在读", "老客服务")
        return SampleBoard(asking.id, tuple(hostile), task.id, wang.id, task.ref)
