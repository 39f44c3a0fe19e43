"""Migrates the database's schema to this release and tells its revision."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

from bot.platform.models import Model

_FOLDER = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Run all migrations that are missing; returns the revision before and after. Safe to repeat."""
    before = current_revision(engine)
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head_revision()


def upgrade_on(connection: Connection, revision: str) -> None:
    """Run the migrations up to a revision on a connection whose transaction is the caller's."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revision_of(connection: Connection) -> str | None:
    """The revision of the database behind this connection; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def current_revision(engine: Engine) -> str | None:
    """The revision of the database; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """The revision this release needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("no migrations in this checkout")
    return head


def steps_from(revision: str | None) -> list[str] | None:
    """The revisions that an upgrade would run, oldest first; None where this release does not know the database's."""
    script = ScriptDirectory.from_config(_config())
    try:
        return [one.revision for one in script.iterate_revisions("head", revision or "base")][::-1]
    except (CommandError, RevisionError):
        return None


def differences(engine: Engine) -> list[object]:
    """Differences between the models and the migrated database; empty when they agree."""
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Model.metadata))


def write_migration(engine: Engine, message: str) -> None:
    """For developers: generate the next migration from the differences between models and database."""
    config = _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message, autogenerate=True)
