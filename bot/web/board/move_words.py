"""Words for what a move starts, stops and takes up again: before it is made, and in the toast afterwards."""

from __future__ import annotations

from bot.platform.config.settings import Settings
from bot.sops.enrolment import MoveEffects, titles_of
from bot.sops.outlook import Outlook
from bot.web.layout.languages import translate


def outlook_words(then: Outlook) -> list[str]:
    """What a move would start, stop and take up again, for the menus that offer it."""
    told = [
        (translate("会开始跟进：{names}", names=list(then.starts)), then.starts),
        (translate("会停止跟进：{names}", names=list(then.stops)), then.stops),
        (translate("会恢复跟进：{names}", names=list(then.resumes)), then.resumes),
    ]
    return [words for words, titles in told if titles]


def effect_words(settings: Settings, effects: MoveEffects) -> list[str]:
    """What a move started, stopped and took up again, for its toast."""
    told = [
        (translate("开始跟进：{names}", names=titles_of(settings, effects.started)), effects.started),
        (translate("停止跟进：{names}", names=titles_of(settings, effects.stopped)), effects.stopped),
        (translate("恢复跟进：{names}", names=titles_of(settings, effects.revived)), effects.revived),
    ]
    return [words for words, enrolments in told if enrolments]
