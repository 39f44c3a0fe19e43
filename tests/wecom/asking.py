"""One call to WeCom for a spawned process; with few imports, since each such process repeats them."""

from __future__ import annotations

from redis import Redis

from bot.wecom.api import WeComClient
from bot.wecom.connection import Credentials


def ask(environment: dict[str, str], redis_url: str) -> int:
    """How many agents WeCom names."""
    redis = Redis.from_url(redis_url)
    client = WeComClient(
        Credentials(environment["WECOM_CORP_ID"], environment["WECOM_APP_SECRET"], int(environment["WECOM_APP_ID"])),
        api_url=environment["WECOM_API_URL"],
        redis=redis,
    )
    count = len(client.follow_users())
    redis.close()
    return count
