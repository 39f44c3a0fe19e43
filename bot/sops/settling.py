"""Settling: at the end of a batch, puts out what its decisions ask of phones and cards, and writes all of it."""

from __future__ import annotations

from bot.customers.phone_tags import settle_phone_tags
from bot.platform.database.write_rows import write_rows
from bot.platform.work import Work
from bot.sops.card_closing import cancel_cards_of_batch


def write_batch(work: Work) -> None:
    """Write what was decided, by a few statements for any number of customers."""
    with work.session.no_autoflush:  # the session's own order knows only the references that it has relations for
        settle_phone_tags(work)
        cancel_cards_of_batch(work)
        write_rows(work.session)
