"""`flask keys`: make the next key pair for the conversation archive, and show which versions are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot.platform.environment import ROOT
from bot.wecom.keyring import KeyRing, new_key


def _default_folder() -> Path:
    var = Path(os.environ.get("TICI_VAR") or ROOT / "var")
    return Path(os.environ.get("WECOM_PRIVATE_KEYS") or var / "keys")


folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=_default_folder,
    help="私钥目录；默认 WECOM_PRIVATE_KEYS，否则 var/keys",
)


@click.group()
def keys() -> None:
    """会话内容存档的 RSA 密钥对。"""


@keys.command()
@folder_option
def new(folder: Path) -> None:
    """生成下一版密钥对：私钥存进目录，公钥打印出来供后台填写。"""
    version, public = new_key(folder)
    click.echo(public, nl=False)
    click.echo(
        f"\n私钥已存为 {folder / f'private_key_v{version}.pem'}（仅本人可读），请备份，旧版私钥不要删除。", err=True
    )
    click.echo(
        "把上面的公钥填到：企业微信管理后台 → 管理工具 → 会话内容存档 → 消息加密公钥。\n"
        f"保存后核对后台显示的版本号是 {version}；不同的话请把文件名里的版本号改成后台的。",
        err=True,
    )


@keys.command("list")
@folder_option
def show(folder: Path) -> None:
    """列出手头的私钥版本。"""
    try:
        versions = KeyRing.load(folder).versions
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(f"v{version}" for version in versions) or f"{folder} 里还没有私钥，运行 flask keys new")
