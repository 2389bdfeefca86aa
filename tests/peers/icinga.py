"""Icinga Web 2 with Icinga DB (Debian's), set up in one folder and ended with the block; no service of the machine is used.

Five programs: PostgreSQL, a Redis, ``icinga2``, ``icingadb`` and PHP's own web server over Icinga Web's router. Ports are
fixed, so it runs in a network of its own (``make peers`` gives it one).
"""

import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from tests.support.postgres import a_postgres

__all__ = ["ADDRESS", "NAME", "PASSWORD", "TITLE", "is_installed", "served", "version"]

ADDRESS = "http://127.0.0.1:8081"
TITLE = "Icinga Web 2"
NAME, PASSWORD = "trucban", "thong-suot-demo"
_PROGRAMS = ("icinga2", "icingadb", "icingacli", "redis-server", "php")
_DATABASES = {
    "icingadb": Path("/usr/share/icingadb/schema/pgsql/schema.sql"),
    "icingaweb": Path("/usr/share/icingaweb2/schema/pgsql.schema.sql"),
}
_ROUTER, _PUBLIC = "/usr/share/php/Icinga/Application/webrouter.php", "/usr/share/icingaweb2/public"
# PHP's own server leaves this variable out where an address has no query; behind any other it is empty.
_FRONT = "<?php $_SERVER['QUERY_STRING'] ??= '';"
_PATIENCE = 90
# Icinga gives up root for the user of its package, who may not write in our folder.
_OWNER = {"ICINGA2_USER": "root", "ICINGA2_GROUP": "root"}


def is_installed():
    return all(shutil.which(program) for program in _PROGRAMS) and Path(_ROUTER).exists()


def version():
    """The versions that were driven, as Debian names them."""
    told = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${Version}; ", "icingaweb2", "icingadb-web", "icinga2-bin"],
        check=True,
        capture_output=True,
        text=True,
    )
    return told.stdout.strip("; ")


@contextmanager
def served(folder, watched):
    """Start everything over ``watched`` (see :mod:`tests.peers.watched`) and yield the address of the pages."""
    with ExitStack() as stack:
        postgres = stack.enter_context(a_postgres())
        for name, schema in _DATABASES.items():
            with postgres.connect() as connection:
                connection.execute(f"CREATE DATABASE {name}")
            with postgres.connect(name) as connection:
                if name == "icingadb":
                    connection.execute("CREATE EXTENSION citext")
                connection.execute(schema.read_text(encoding="utf-8"))
        with postgres.connect("icingaweb") as connection:
            connection.execute(
                "INSERT INTO icingaweb_user (name, active, password_hash) VALUES (%s, 1, %s)",
                (NAME, _hashed(PASSWORD)),
            )
        start = _Starter(stack, folder)
        start(
            "redis",
            ["redis-server", "--port", "6380", "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        )
        _write_icinga2(folder / "icinga2", watched)
        start(
            "icinga2",
            ["icinga2", "daemon", "-c", str(folder / "icinga2/icinga2.conf"), *_places(folder / "icinga2")],
            **_OWNER,
        )
        _write_icingadb(folder, postgres)
        start("icingadb", ["icingadb", "-c", str(folder / "icingadb.yml")])
        _write_web(folder / "web", postgres)
        (folder / "front.php").write_text(_FRONT, encoding="utf-8")
        start(
            "php",
            _pages(folder),
            ICINGAWEB_CONFIGDIR=str(folder / "web"),
            PHP_CLI_SERVER_WORKERS="4",
        )
        _wait(lambda: _is_up(postgres, len(watched.paths)), folder)
        yield ADDRESS


def _pages(folder):
    """The command that serves the pages."""
    given = {
        "date.timezone": "Asia/Ho_Chi_Minh",
        "display_errors": "0",
        "session.save_path": folder,
        "auto_prepend_file": folder / "front.php",
    }
    options = [part for name, value in given.items() for part in ("-d", f"{name}={value}")]
    return ["php", *options, "-S", ADDRESS.removeprefix("http://"), "-t", _PUBLIC, _ROUTER]


class _Starter:
    def __init__(self, stack, folder):
        self._stack = stack
        self._folder = folder

    def __call__(self, name, command, **environment):
        log = self._stack.enter_context((self._folder / f"{name}.log").open("wb"))
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self._folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        self._stack.callback(_end, running)


def _end(running):
    # PHP's workers and Icinga's umbrella have children that a TERM to the parent alone would leave behind.
    for signal in (15, 9):
        try:
            os.killpg(running.pid, signal)
        except ProcessLookupError:
            return
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            continue


def _wait(ready, folder):
    until = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > until:
            said = "\n".join(
                f"{log.name}: {log.read_text(errors='replace')[-600:]}" for log in folder.glob("*.log")
            )
            raise TimeoutError(f"Icinga did not come up within {_PATIENCE} s\n{said}")
        time.sleep(0.5)


def _is_up(postgres, services):
    with postgres.connect("icingadb") as connection:
        found = connection.execute(
            "SELECT count(*) FROM service_state WHERE last_update IS NOT NULL"
        ).fetchone()[0]
    try:
        page = httpx2.get(f"{ADDRESS}/authentication/login", timeout=10)
    except httpx2.HTTPError:
        return False
    return found >= services and page.status_code < 400


def _hashed(password):
    return subprocess.run(
        ["php", "-r", "echo password_hash($argv[1], PASSWORD_DEFAULT);", password],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def _places(folder):
    named = {
        "ConfigDir": "etc",
        "DataDir": "data",
        "LogDir": "log",
        "CacheDir": "cache",
        "SpoolDir": "spool",
        "InitRunDir": "run",
    }
    return [word for name, place in named.items() for word in ("-D", f"{name}={folder / place}")]


def _write_icinga2(folder, watched):
    for place in ("etc", "data/certs", "data/ca", "log/crash", "cache", "spool/perfdata", "spool/tmp", "run"):
        (folder / place).mkdir(parents=True)
    certificate = folder / "data/certs"
    subprocess.run(
        [
            "icinga2",
            "pki",
            "new-cert",
            "--cn",
            "centre",
            "--key",
            str(certificate / "centre.key"),
            "--cert",
            str(certificate / "centre.crt"),
        ],
        check=True,
        capture_output=True,
        env={**os.environ, **_OWNER},
    )
    shutil.copy(certificate / "centre.crt", certificate / "ca.crt")
    lines = [_FRAME]
    lines += [
        f'object HostGroup "{code}" {{ display_name = {_quoted(name)} }}'
        for code, name in watched.areas.items()
    ]
    lines += [
        f'object ServiceGroup "{code}" {{ display_name = {_quoted(name)} }}'
        for code, name in watched.carriers.items()
    ]
    for site in watched.sites:
        lines.append(
            f'object Host "{site.plain}" {{ import "looked-at"\n display_name = {_quoted(site.name)}\n groups = ["{site.area}"] }}'
        )
    for path in watched.paths:
        lines.append(
            f'object Service "{path.code}" {{ import "looked-at"\n host_name = "{path.site.plain}"\n display_name = {_quoted(path.name)}\n'
            f' groups = ["{path.carrier}"]\n vars.carrier = "{path.carrier}"\n vars.dummy_state = {2 * path.is_down} }}'
        )
    (folder / "icinga2.conf").write_text("\n".join(lines), encoding="utf-8")


_FRAME = """
const NodeName = "centre"
const ZoneName = "centre"
const PluginDir = "/usr/lib/nagios/plugins"
include <itl>
include <plugins>
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" { }
object IcingaDB "icingadb" { host = "127.0.0.1", port = 6380 }
object ApiListener "api" { bind_host = "127.0.0.1" }
object ApiUser "web" { password = "web", permissions = [ "*" ] }
template Host "looked-at" { check_command = "dummy", check_interval = 30s, max_check_attempts = 1 }
template Service "looked-at" { check_command = "dummy", check_interval = 30s, max_check_attempts = 1 }
"""


def _quoted(text):
    return json.dumps(text, ensure_ascii=False)


def _write_icingadb(folder, postgres):
    (folder / "icingadb.yml").write_text(
        f"database: {{type: pgsql, host: '{postgres.folder}', database: icingadb, user: postgres}}\n"
        "redis: {host: 127.0.0.1, port: 6380}\nlogging: {output: console}\n",
        encoding="utf-8",
    )


def _write_web(folder, postgres):
    files = {
        "config.ini": "[global]\nshow_stacktraces = 0\nconfig_resource = web\nmodule_path = /usr/share/icingaweb2/modules\n[logging]\nlog = none\n",
        "resources.ini": "".join(
            f"[{name}]\ntype = db\ndb = pgsql\nhost = {postgres.folder}\nport = 5432\ndbname = {database}\n"
            "username = postgres\npassword = none\ncharset = utf8\n"
            for name, database in (("web", "icingaweb"), ("icingadb", "icingadb"))
        ),
        "authentication.ini": "[people]\nbackend = db\nresource = web\n",
        "roles.ini": f'[everything]\nusers = {NAME}\npermissions = "*"\n',
        "modules/icingadb/config.ini": "[icingadb]\nresource = icingadb\n",
        "modules/icingadb/redis.ini": "[redis1]\nhost = 127.0.0.1\nport = 6380\n",
        "modules/icingadb/commandtransports.ini": (
            "[centre]\ntransport = api\nhost = 127.0.0.1\nport = 5665\nusername = web\npassword = web\n"
        ),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    enabled = folder / "enabledModules"
    enabled.mkdir()
    (enabled / "icingadb").symlink_to("/usr/share/icingaweb2/modules/icingadb")
