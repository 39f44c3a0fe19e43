"""Tag groups kept on the phones: what WeCom would not take is refused with its place and how to mend it."""

from __future__ import annotations

import pytest

from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings

PIPELINE = '[[pipelines]]\nname = "流程"\nstages = [{ name = "新", on = [] }]\n'
GROUP = '[[tags]]\ngroup = "{}"\nphone = true\nnames = [{}]\n'


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        (GROUP.format("流程", '"重点"'), "tags[1].group", "已经是流程的名字"),
        (GROUP.format("甲", '"重点"') + GROUP.format("甲", '"别的"'), "tags[2].group", "写了两次"),
        (GROUP.format("甲", f'"{"长" * 31}"'), "tags[1].names[1]", "31 个字"),
        (GROUP.format("甲", ", ".join(f'"t{n}"' for n in range(3000))), "tags[1].phone", "3001 个"),
    ],
)
def test_what_would_not_fit_on_the_phones_is_refused(text: str, where: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_settings(PIPELINE + text)
    assert [problem.where for problem in refused.value.problems if says in problem.message] == [where]
    parse_settings(PIPELINE + text.replace("phone = true", ""))
