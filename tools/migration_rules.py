"""`python -m tools.migration_rules`: what migrations of existing tables may not do, because tables may be large.

A plain index locks its table against writing for as long as it is built, and a kill in the middle loses the whole work.
So a new migration makes indexes with `migrations.online.create_index`, and does nothing else then.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# These came before the rule, and what they do to a table that was migrated then must stay as it is.
BEFORE_THE_RULE = {"0001", "0002", "0003", "0004", "0005"}

CREATE_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?\"?(\w+)", re.IGNORECASE)
PLAIN_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)[^(]*? ON (?:ONLY )?\"?(\w+)", re.IGNORECASE)
CONSTRAINT = re.compile(
    r"ALTER TABLE (?:ONLY )?(?:IF EXISTS )?\"?(\w+)\"? [^;]*?\b(?:UNIQUE|PRIMARY KEY|EXCLUDE)\b(?! USING INDEX)",
    re.IGNORECASE,
)
CONCURRENTLY = re.compile(r"(?:CREATE (?:UNIQUE )?|DROP )INDEX CONCURRENTLY", re.IGNORECASE)
# What stands beside an index that is made concurrently: the session's limits, and alembic's own.
BESIDE = re.compile(r"BEGIN|COMMIT|SET lock_timeout|(UPDATE|INSERT INTO) alembic_version", re.IGNORECASE)


def faults(folder: Path = MIGRATIONS) -> list[str]:
    """Return what is wrong with the migrations in a folder, one line each."""
    found = []
    for script in ScriptDirectory(str(folder)).walk_revisions():
        if script.revision not in BEFORE_THE_RULE:
            found += [f"{Path(script.path).name}: {fault}" for fault in _faults(_statements(folder, script))]
    return sorted(found)


def _faults(statements: list[str]) -> list[str]:
    made = {match.group(1) for statement in statements if (match := CREATE_TABLE.match(statement))}
    locked = [
        (statement, match.group(1))
        for statement in statements
        for pattern in (PLAIN_INDEX, CONSTRAINT)
        if (match := pattern.match(statement)) and match.group(1) not in made
    ]
    found = [f"{statement!r} locks {table}: use migrations.online.create_index" for statement, table in locked]
    if any(CONCURRENTLY.match(statement) for statement in statements):
        others = [one for one in statements if not CONCURRENTLY.match(one) and not BESIDE.match(one)]
        found += [f"{statement!r} would be done twice: give it a migration of its own" for statement in others]
    return found


def _statements(folder: Path, script: Script) -> list[str]:
    """Return the SQL statements of one migration, in one line each."""
    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(folder))
    command.upgrade(config, f"{script.down_revision or 'base'}:{script.revision}", sql=True)
    lines = [line for line in written.getvalue().splitlines() if not line.startswith("--")]
    return [" ".join(part.split()) for part in "\n".join(lines).split(";") if part.strip()]


def main() -> int:
    """Run from the command line."""
    found = faults()
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
