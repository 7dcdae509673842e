"""Where in which database a table lies, and a transaction there whose errors say no secret."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geolabel.errors import InstallError, OptionError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = re.compile(r"(PG:|postgres(ql)?://|(host|hostaddr|dbname|service|user|port)\s*=)")
_LONGEST_NAME = 63
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Table:
    """Where in which database a layer goes."""

    dsn: str
    """As the user gave it, perhaps with a password: never to be shown."""
    schema: str
    """Empty: the first of the user's search path, `public` as a rule."""
    name: str

    def __str__(self) -> str:
        """For reports: without what is secret."""
        parts = _connection(self.dsn)
        place = f"{parts.get('host', 'localhost')}/{parts.get('dbname', parts.get('user', ''))}"
        return f"{place} {self.schema}{'.' if self.schema else ''}{self.name}"


def is_dsn(text: str) -> bool:
    """Whether a text says where a database is, not where a file is."""
    return _ADDRESS.match(text) is not None


def table_at(dsn: str, name: str) -> Table:
    """The table `name`, perhaps `schema.name`, of a database.

    `dsn`: an address, postgresql://user@host/database, or libpq's words, "host=… dbname=…", with or without PG: before.
    Raises OptionError, InstallError (no psycopg).
    """
    schema, _, table = name.rpartition(".")
    if not is_dsn(dsn):
        raise OptionError("a database is written postgresql://user@host/database, or 'PG:host=… dbname=…'; give it -o")
    if not table or max(len(table.encode()), len(schema.encode())) > _LONGEST_NAME or "\0" in name:
        raise OptionError(f"--table {name}: is no name of a table; write name or schema.name")
    _connection(dsn)
    return Table(dsn, schema, table)


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise InstallError("--to postgis needs psycopg: pip install 'geolabel[postgis]'") from error
    return psycopg


def _connection(dsn: str) -> dict[str, Any]:
    """Parameters for libpq. What it says of a wrong one is not passed on: it may quote the password."""
    psycopg = _psycopg()
    try:
        return dict(psycopg.conninfo.conninfo_to_dict(dsn.removeprefix("PG:")))
    except psycopg.ProgrammingError:
        raise OptionError("the database's address cannot be read; write postgresql://user@host/database") from None


@contextmanager
def transaction(table: Table) -> Iterator[Any]:
    """A transaction, committed on leaving. Raises OutputError in one line, without the password."""
    psycopg = _psycopg()
    given = _connection(table.dsn)
    try:
        with psycopg.connect(**{"connect_timeout": _SECONDS, "application_name": "geolabel", **given}) as connection:
            yield connection
    except psycopg.Error as error:
        said = str(error.diag.message_primary or error)
        secret = given.get("password")
        raise OutputError(f"{table}: {said.replace(secret, '***') if secret else said}{_remedy(error)}") from None


def _remedy(error: Any) -> str:
    psycopg = _psycopg()
    errors = psycopg.errors
    if isinstance(error, errors.InsufficientPrivilege):
        return "; ask for the right, or give another schema with --table schema.name"
    if isinstance(error, errors.DependentObjectsStillExist):
        return "; views are made of it: drop them, or write another table with --table"
    if isinstance(error, psycopg.OperationalError):
        return "; is the server running, and are address, user and password (~/.pgpass) right?"
    return ""
