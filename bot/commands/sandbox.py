"""`flask sandbox`: runs the sandbox alone, on loopback."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from bot.sandbox.app import create_sandbox
from bot.sandbox.corp import prepare


class QuietRequestHandler(WSGIRequestHandler):
    """Writes no access log: request lines carry secrets and tokens, and the page asks every second. Sends no Date
    header of its own: the sandbox sends WeCom's."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """The first line alone."""
        self.send_response_only(code, message)


@click.command("sandbox", help="运行沙盒：一个只在本机的企业微信，供演示、测试和试规则。")
@click.option("--port", default=8100, show_default=True, help="沙盒的端口")
@click.option("--folder", default="var/sandbox", show_default=True, type=click.Path(path_type=Path), help="状态目录")
@click.option("--callback-url", default="http://127.0.0.1:8000/wecom/callback", show_default=True)
@click.option("--archive-callback-url", default=None, help="会话存档事件的地址；不填则与上面相同")
@click.option("--board-url", default=None, help="右栏里嵌入的看板地址")
def sandbox(
    port: int, folder: Path, callback_url: str, archive_callback_url: str | None, board_url: str | None
) -> None:
    """Serve until Ctrl-C; prints the environment that lets Tici meet this WeCom."""
    environment = prepare(folder, port)
    app = create_sandbox(folder, callback_url, archive_callback_url, board_url)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietRequestHandler)
    click.echo(f"沙盒已启动：http://127.0.0.1:{server.server_port}/（Ctrl-C 结束）")
    if sys.stdout.isatty():  # these are secrets: for a person at a terminal, never for a log
        click.echo("让提词连到这里，需要这些环境变量：")
        for name, value in environment.items():
            click.echo(f"  export {name}={value}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("沙盒已停止，状态已保存。")
    finally:
        app.extensions["courier"].stop()


if __name__ == "__main__":
    sandbox()
