"""`flask admin`: local accounts, their roles and passwords."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents import accounts, second_factor
from bot.agents.accounts import ROLES, AccountError, find_account
from bot.agents.passwords import WeakPasswordError, generate_password
from bot.commands.terminal import Table, console, fail, migrated_system, operator
from bot.platform import clock
from bot.platform.models import Account
from bot.system import System

_AccountAction = Callable[[Session, Account, str, datetime], None]


@click.group("admin", help="账号：谁能登录网页、是什么角色。员工用企业微信登录，不必在这里建账号。")
def admin_group() -> None: ...


@admin_group.command("create", help="建一个本地账号（默认管理员）。密码会提示输入，或用 --generate 生成并显示一次。")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="admin", show_default=True)
@click.option("--generate", is_flag=True, help="生成密码，只显示这一次")
@with_appcontext
def create(name: str, role: str, generate: bool) -> None:
    system = migrated_system()
    password = _password(generate)
    try:
        with system.store.write() as session:
            accounts.create_account(session, accounts.NewAccount(name, password, role), operator(), clock.now())
    except (AccountError, WeakPasswordError) as problem:
        fail(str(problem))
    console.print(f"已建好「{name}」（{role}）。登录：{system.environment.base_url}/sign-in", markup=False)
    _show_once(password, generate)


@admin_group.command("list", help="列出所有账号。")
@with_appcontext
def show() -> None:
    system = migrated_system()
    table = Table("名字", "角色", "方式", "上次登录", "状态", title="账号", title_justify="left")
    with system.store.read() as session:
        for account in session.scalars(select(Account).order_by(Account.id)):
            way = "密码" if account.name else "企业微信"
            at = account.signed_in_at.strftime("%Y-%m-%d %H:%M UTC") if account.signed_in_at else "还没有"
            state = "已停用" if account.disabled_at else ""
            table.add_row(accounts.display_name(account).replace("[", r"\["), account.role, way, at, state)
    console.print(table)


@admin_group.command("password", help="给本地账号换密码，并让它在所有浏览器里退出。")
@click.argument("name")
@click.option("--generate", is_flag=True, help="生成密码，只显示这一次")
@with_appcontext
def password(name: str, generate: bool) -> None:
    system = migrated_system()
    chosen = _password(generate)
    _change_account(
        system, name, lambda session, account, by, now: accounts.choose_password(session, account, chosen, by, now)
    )
    console.print(f"「{name}」的密码已更换，原来的登录都已失效", markup=False)
    _show_once(chosen, generate)


@admin_group.command(
    "role", help="改角色：admin 管理员、leader 主管、agent 员工、auditor 审计员。NAME 也可以是 userid。"
)
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@with_appcontext
def change_role(name: str, role: str) -> None:
    _change_account(
        migrated_system(),
        name,
        lambda session, account, by, now: accounts.choose_role(session, account, role, by, now),
    )
    console.print(f"「{name}」现在是 {role}", markup=False)


@admin_group.command("disable", help="停用账号：下一次请求就要重新登录，且登不进来。")
@click.argument("name")
@with_appcontext
def disable(name: str) -> None:
    _change_account(migrated_system(), name, accounts.disable)
    console.print(f"「{name}」已停用", markup=False)


@admin_group.command("enable", help="重新启用账号。")
@click.argument("name")
@with_appcontext
def enable(name: str) -> None:
    _change_account(migrated_system(), name, accounts.enable)
    console.print(f"「{name}」已启用", markup=False)


@admin_group.command("sign-out", help="让账号在所有浏览器里退出。")
@click.argument("name")
@with_appcontext
def sign_out(name: str) -> None:
    _change_account(migrated_system(), name, accounts.end_sessions)
    console.print(f"「{name}」已在所有浏览器里退出", markup=False)


@admin_group.command("reset-code", help="手机和恢复码都丢了：关闭账号的登录验证码，只凭密码登录。")
@click.argument("name")
@with_appcontext
def reset_code(name: str) -> None:
    _change_account(migrated_system(), name, second_factor.remove)
    console.print(f"「{name}」登录时不再要验证码。请让其重新开启", markup=False)


def _change_account(system: System, name: str, action: _AccountAction) -> None:
    try:
        with system.store.write() as session:
            account = find_account(session, name)
            if account is None:
                raise AccountError(f"没有名为「{name}」的账号；flask admin list 列出所有账号")
            action(session, account, operator(), clock.now())
    except (AccountError, WeakPasswordError) as problem:
        fail(str(problem))


def _password(generate: bool) -> str:
    if generate:
        return generate_password()
    given: str = click.prompt(
        "密码（至少 12 个字符，输入时不显示）", hide_input=True, confirmation_prompt="再输入一次"
    )
    return given


def _show_once(password: str, generated: bool) -> None:
    if generated:
        click.echo(f"密码（只显示这一次）：{password}")
