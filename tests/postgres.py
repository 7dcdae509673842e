"""A PostgreSQL server with PostGIS for the time of a test: of its own, in a temporary folder, on a Unix socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD, DATABASE = "mapper", "s3cret-Wörd", "maps"


@dataclass(frozen=True)
class Server:
    folder: Path

    @property
    def dsn(self) -> str:
        """An address with the password in it."""
        return f"postgresql://{USER}:{PASSWORD}@/{DATABASE}?host={self.folder}"

    def rows(self, query: str, database: str = DATABASE) -> list[tuple[Any, ...]]:
        """Run SQL by itself, and give what it finds."""
        import psycopg

        where = {"host": str(self.folder), "user": USER, "password": PASSWORD, "dbname": database}
        with psycopg.connect(**where, autocommit=True) as connection:
            done = connection.execute(query)
            return done.fetchall() if done.description else []


def _programs() -> Path | None:
    for found in [shutil.which("initdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)]:
        if found:
            return Path(found).resolve().parent
    return None


def _user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: as somebody who may do little then."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


@contextmanager
def running() -> Iterator[Server]:
    """Start a server, and stop it; skip where there are no programs for it, or no PostGIS."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed; apt install postgresql postgis")
    folder = Path(tempfile.mkdtemp(prefix="geolabel-pg-"))
    password = folder / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    if os.geteuid() == 0:
        for path in (folder, password):
            shutil.chown(path, "nobody", "nogroup")
    try:
        data = folder / "data"
        make = [programs / "initdb", "-D", data, "-U", USER, f"--pwfile={password}", "-A", "scram-sha-256"]
        subprocess.run(
            [*make, "--no-sync", "--no-locale", "-E", "UTF8"], check=True, capture_output=True, cwd="/", **_user()
        )
        settings = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", f"unix_socket_directories={folder}"]
        words = [word for setting in settings for word in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, *words], stdout=log, stderr=log, cwd="/", **_user()
            )
        try:
            yield _ready(Server(folder), folder / "log")
        finally:
            process.terminate()
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ready(server: Server, log: Path) -> Server:
    import psycopg

    for _ in range(100):
        try:
            server.rows("SELECT 1", "postgres")
            break
        except psycopg.OperationalError:
            time.sleep(0.1)
    else:
        pytest.fail(log.read_text(encoding="utf-8"))
    if not server.rows("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'", "postgres"):
        pytest.skip("PostGIS is not installed; apt install postgis postgresql-postgis")
    server.rows(f"CREATE DATABASE {DATABASE}", "postgres")
    server.rows("CREATE EXTENSION postgis")
    return server
