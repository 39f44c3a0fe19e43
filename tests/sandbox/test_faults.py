"""Staged failures: refused, broken, slow, or done with only the answer lost."""

from __future__ import annotations

import time

import pytest

from bot.sandbox.control import ControlRefusedError
from tests.sandbox.wecom import Wecom, text_message


def test_an_errcode_comes_so_often_then_the_call_works(wecom: Wecom) -> None:
    wecom.control.fault("message/send", times=2, errcode=-1)
    codes = [wecom.call("message/send", text_message())["errcode"] for _ in range(3)]
    assert codes == [-1, -1, 0]
    assert len(wecom.control.effects(0, "message")) == 1


def test_a_pattern_hits_its_paths_until_it_is_cleared(wecom: Wecom) -> None:
    wecom.control.fault("externalcontact/*", times=-1, errcode=45009)
    assert [wecom.call("externalcontact/get_follow_user_list")["errcode"] for _ in range(3)] == [45009] * 3
    assert wecom.call("getcallbackip")["errcode"] == 0
    wecom.control.clear_faults()
    assert wecom.call("externalcontact/get_follow_user_list")["errcode"] == 0


@pytest.mark.parametrize(("after", "done"), [(False, 0), (True, 1)])
def test_a_lost_answer_leaves_the_work_done_a_refused_call_does_not(wecom: Wecom, after: bool, done: int) -> None:
    query = {"access_token": wecom.token()}
    wecom.control.fault("message/send", status=502, after=after)
    assert wecom.raw("message/send", text_message(), query)[0] == 502
    assert len(wecom.control.effects(0, "message")) == done


def test_an_answer_may_be_no_json(wecom: Wecom) -> None:
    query = {"access_token": wecom.token()}
    wecom.control.fault("message/send", text="<html>维护中</html>")
    assert wecom.raw("message/send", text_message(), query) == (200, "<html>维护中</html>".encode())


def test_an_answer_may_be_late(wecom: Wecom) -> None:
    wecom.token()
    wecom.control.fault("getcallbackip", delay=0.4)
    started = time.monotonic()
    assert wecom.call("getcallbackip")["errcode"] == 0
    assert time.monotonic() - started >= 0.4


def test_unknown_switches_and_actions_are_named(wecom: Wecom) -> None:
    with pytest.raises(ControlRefusedError, match="没有这个开关：gravity"):
        wecom.control.switches(gravity=0)
    with pytest.raises(ControlRefusedError, match="没有这个动作：fly"):
        wecom.control.post("fly")
    with pytest.raises(ControlRefusedError, match="没有这位成员"):
        wecom.control.add_customer("ghost", "孙女士")


def test_secrets_stay_out_of_the_log(wecom: Wecom) -> None:
    wecom.call("message/send", text_message())
    log = str(wecom.control.effects())
    assert wecom.environment["WECOM_APP_SECRET"] not in log
    assert wecom.token() not in log
