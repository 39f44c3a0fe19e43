"""Wrong answers of the guided installation: each gets the sentence that says what it is instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.ops.setup import answers
from bot.ops.setup.answers import AnswerError, Check, cleaned
from bot.ops.setup.env_file import read_values, write_value
from bot.ops.setup.questions import PARTS, new_aes_key, new_token
from bot.wecom.callback import CallbackKeys

SECRET = "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKL_012"
AES = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL01234"
GIVEN = {
    "WECOM_CORP_ID": "ww1234567890abcdef", "WECOM_APP_ID": "1000002", "WECOM_APP_SECRET": SECRET,
    "WECOM_ARCHIVE_SECRET": SECRET[::-1], "WECOM_CALLBACK_TOKEN": "tokentoken",
}  # fmt: skip

WRONG: list[tuple[Check, str, str]] = [
    (answers.base_url, "   ", "不能空着"),
    (answers.base_url, "ftp://tici.abc.com", "https:// 开头"),
    (answers.base_url, "http://127.0.0.1:8000", "只有本机能打开"),
    (answers.base_url, "https://8.8.8.8", "不能是 IP"),
    (answers.base_url, "http://tici.abc.com", "要用 https"),
    (answers.base_url, "https://tici.abc.com:8443", "不要带端口"),
    (answers.base_url, "https://tici.abc.com/wecom/callback", "不要带路径"),
    (answers.base_url, "https://your.domain", "您自己的域名"),
    (answers.base_url, "https://提词 公司", "不是一个网址"),
    (answers.base_url, "https://tici.abc.com:port", "不是一个网址"),
    (answers.corp_id, "1000002", "像 AgentId"),
    (answers.corp_id, SECRET, "像 Secret"),
    (answers.corp_id, "示例教育有限公司", "以 ww"),
    (answers.corp_id, "ww12345", "没有复制全"),
    (answers.app_id, "ww1234567890abcdef", "这是企业 ID"),
    (answers.app_id, "提词助手", "是一个数字"),
    (answers.app_id, "3", "七位数字"),
    (answers.app_secret, "**********", "星号"),
    (answers.app_secret, "1000002", "像 AgentId"),
    (answers.app_secret, "ww1234567890abcdef", "这是企业 ID"),
    (answers.app_secret, SECRET[:40], "没有复制全"),
    (answers.app_secret, SECRET[:20] + " " + SECRET[20:], "有空格"),
    (answers.app_secret, SECRET[:-1] + "。", "只有字母"),
    (answers.app_secret, SECRET[::-1], "存档的 Secret"),
    (answers.archive_secret, SECRET, "应用的 Secret"),
    (answers.token, AES, "不要填反"),
    (answers.token, "a b", "3 到 32"),
    (answers.token, "1000002", "前面填过的"),
    (answers.aes_key, "tokentoken", "这是 Token"),
    (answers.aes_key, AES + "=", "多了一个等号"),
    (answers.aes_key, AES[:-2], "这里有 41 个"),
    (answers.aes_key, AES[:-1] + "-", "只有字母和数字"),
    (answers.key_version, "第一版", "是一个数字"),
    (answers.key_version, "0", "从 1 开始"),
    (answers.library, "/opt/sdk_C_v3.tgz", "压缩包"),
    (answers.library, "/opt/WeWorkFinanceSdk.dll", "Windows"),
    (answers.library, "https://wwcdn.weixin.qq.com/sdk.so", "下载地址"),
    (answers.library, "libWeWorkFinanceSdk_C.so", "以 / 开头"),
    (answers.library, "/opt/sdk", ".so 结尾"),
    (answers.proof_file, "https://tici.abc.com/WW_verify_abc.txt", "先把"),
    (answers.proof_file, "/opt/verify.txt", "不要改名"),
    (answers.account, "a b", "不要空格"),
    (answers.database_url, "mysql://root@localhost/tici", "不支持 MySQL"),
    (answers.database_url, "localhost:5432", "应写作"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "text", "sentence"), WRONG)
def test_a_wrong_answer_gets_its_sentence(check: Check, text: str, sentence: str) -> None:
    with pytest.raises(AnswerError, match=sentence):
        check(cleaned(text), GIVEN)


@pytest.mark.parametrize(
    ("check", "text", "kept"),
    [
        (answers.base_url, " tici.abc.com/ ", "https://tici.abc.com"),
        (answers.corp_id, "WECOM_CORP_ID=ｗｗ1234567890abcdef", "ww1234567890abcdef"),
        (answers.app_id, "'1000002'", "1000002"),
        (answers.app_secret, SECRET, SECRET),
        (answers.aes_key, AES, AES),
        (answers.key_version, "v2", "2"),
    ],
)
def test_a_right_answer_is_kept_without_what_was_copied_along(check: Check, text: str, kept: str) -> None:
    assert check(cleaned(text), GIVEN) == kept


def test_what_is_made_is_taken_by_the_callback() -> None:
    for _ in range(50):
        CallbackKeys(answers.token(new_token(), {}), answers.aes_key(new_aes_key(), {}), "ww1234567890abcdef")


def test_the_file_keeps_its_remarks_and_opens_to_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "tici.env"
    path.write_text("# 说明\n#WECOM_CORP_ID=\nTICI_BASE_URL=https://your.domain\n", encoding="utf-8")
    write_value(path, "WECOM_CORP_ID", "ww1")
    write_value(path, "TICI_DATABASE_URL", "postgresql://a:b c@h/d")
    write_value(path, "TICI_BASE_URL", "https://x.cn")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text("utf-8").startswith("# 说明\nWECOM_CORP_ID=ww1\nTICI_BASE_URL=https://x.cn\n")
    assert read_values(path) == {
        "WECOM_CORP_ID": "ww1", "TICI_BASE_URL": "https://x.cn", "TICI_DATABASE_URL": "postgresql://a:b c@h/d",
    }  # fmt: skip


def test_every_question_says_where_it_is_answered() -> None:
    for part in PARTS:
        assert part.questions or part.then
        assert all(question.where and (question.check or question.make) for question in part.questions)
