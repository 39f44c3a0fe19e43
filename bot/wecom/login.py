"""Addresses of WeCom's sign-in: OAuth inside WeCom's browser, the page with the QR code elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

IN_CLIENT = "https://open.weixin.qq.com"
BY_QR = "https://login.work.weixin.qq.com"
LONGEST_CODE = 512


@dataclass(frozen=True)
class SignInApp:
    """The app that people sign in to. host: serves the pages in place of WeCom's own hosts (the sandbox does)."""

    corp_id: str
    app_id: int
    host: str | None = None


def authorize_url(app: SignInApp, back: str, state: str, *, in_client: bool) -> str:
    """The page that redirects to `back?code=...&state=...`; a code is valid once, for five minutes.

    back: an address under the app's trusted domain. state: at most 128 letters and digits.
    """
    given = {"appid": app.corp_id, "agentid": app.app_id, "redirect_uri": back, "state": state}
    if in_client:
        query = urlencode({**given, "response_type": "code", "scope": "snsapi_base"})
        return f"{app.host or IN_CLIENT}/connect/oauth2/authorize?{query}#wechat_redirect"
    return f"{app.host or BY_QR}/wwlogin/sso/login?{urlencode({**given, 'login_type': 'CorpApp'})}"


def is_in_client(user_agent: str) -> bool:
    """Whether a browser is WeCom's own, where signing in needs no click."""
    return "wxwork" in user_agent.lower()
