"""Secrets in the database: sealed at rest, on both engines, by keys that are turned, lost, wrong or made by two at once."""

import json
import secrets
import shutil
import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import pyotp
import pytest
from sqlalchemy import insert, select, update

from alerting.endpoint_schema import webhook_endpoints
from alerting.endpoint_store import ENDPOINT_SECRET
from dashboards.second_factor import SecondFactors
from inventory.credential_store import FACTOR_SECRET, factor_of
from inventory.database import metadata, open_engine, reading, transaction
from inventory.schema import accounts, second_factors
from inventory.seal import BrokenSealError, ForeignKeyError, NoKeyError, is_sealed
from inventory.seal_store import key_names
from inventory.sealing import Sealing
from monitor.assembly.sealing import SEALED
from monitor.cli import main
from monitor.cli.backup import save
from monitor.migrations import downgrade, upgrade
from tests.support.sealing import KeyRing, a_key

AT = datetime(2021, 5, 23, tzinfo=UTC)
TELEPHONE = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
MACHINE = "whs_bi-mat-ky-cua-nha-mang-vinaphone-0123456789"


@asynccontextmanager
async def opened(url):
    engine = open_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


@pytest.fixture
async def database(database_url):
    """A database whose secrets lie in clear, as those of the version before do."""
    async with opened(database_url) as engine:
        async with transaction(engine) as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(insert(accounts).values(an_account("admin")))
            await connection.execute(insert(accounts).values(an_account("trucban")))
            factor = {"account": "admin", "secret": TELEPHONE, "created_at": AT, "confirmed_at": AT}
            await connection.execute(insert(second_factors).values(factor))
            await connection.execute(insert(webhook_endpoints).values(an_endpoint()))
        yield engine


def an_account(name):
    hashed = {"password_hash": "-", "created_at": AT, "changed_at": AT}
    return {"name": name, "role": "administrator", **hashed}


def an_endpoint():
    return {
        "party": "VNPT",
        "dialect": "own",
        "url": "https://noc.example/",
        "events": ["opened"],
        "enabled": True,
        "secret": MACHINE,
        "made_at": AT,
        "made_by": "vnpt",
    }


def sealing(*keys):
    return Sealing(KeyRing(*keys), clock=lambda: AT)


def factors(engine, seals):
    return SecondFactors(database=engine, sealing=seals, clock=lambda: AT, token=secrets.token_urlsafe)


async def stored(engine):
    async with reading(engine) as connection:
        factor = (await connection.execute(select(second_factors.c.secret))).scalar_one()
        endpoint = (
            await connection.execute(select(webhook_endpoints.c.id, webhook_endpoints.c.secret))
        ).one()
    return factor, tuple(endpoint)


def code():
    return pyotp.TOTP(TELEPHONE).at(AT)


async def test_what_lay_in_clear_is_sealed_once_and_opens_as_before(database):
    seals = sealing(a_key(1))
    assert (await seals.look(database, SEALED)).in_clear == 2
    assert await seals.prepare(database, SEALED)
    factor, (number, endpoint) = await stored(database)
    assert is_sealed(factor)
    assert is_sealed(endpoint)
    assert seals.open(factor, FACTOR_SECRET.place("admin")) == TELEPHONE
    assert seals.open(endpoint, ENDPOINT_SECRET.place(number)) == MACHINE
    assert await seals.prepare(database, SEALED)
    assert await stored(database) == (factor, (number, endpoint))
    assert await factors(database, seals).fits("admin", code())


async def test_a_secret_moved_to_another_row_does_not_open(database):
    seals = sealing(a_key(1))
    await seals.prepare(database, SEALED)
    async with transaction(database) as connection:
        await connection.execute(update(second_factors).values(account="trucban"))
    told = await seals.look(database, SEALED)
    assert told.faults == [
        "second_factors.secret of trucban was changed, or moved from another row: set the secret anew"
    ]
    assert not await factors(database, seals).fits("trucban", code())
    async with reading(database) as connection:
        moved = await factor_of(connection, "trucban")
    with pytest.raises(BrokenSealError):
        seals.open(moved.secret, FACTOR_SECRET.place("trucban"))


async def test_a_turned_key_seals_everything_and_the_old_one_is_not_needed_any_more(database):
    await sealing(a_key(1)).prepare(database, SEALED)
    running = sealing(a_key(1))
    assert not (await running.look(database, SEALED)).faults
    both = sealing(a_key(2), a_key(1))
    told = await both.turn(database, SEALED)
    assert (told.written, dict(told.by_key), list(told.faults)) == (2, {told.newest: 2}, [])
    assert not (await sealing(a_key(2)).look(database, SEALED)).faults
    assert len((await running.look(database, SEALED)).faults) == 2
    # The file that it reads holds the new key now: it needs no start to see it.
    running._keys.keys.insert(0, a_key(2))
    assert not (await running.look(database, SEALED)).faults
    async with reading(database) as connection:
        assert await key_names(connection) == (told.newest,)


async def test_until_everything_is_sealed_anew_all_keys_open_and_the_newest_seals(database):
    await sealing(a_key(1)).prepare(database, SEALED)
    both = sealing(a_key(2), a_key(1))
    await factors(database, both).begin("trucban")
    told = await both.look(database, SEALED)
    assert (len(told.by_key), list(told.faults)) == (2, [])


async def test_a_process_with_another_key_seals_nothing_and_says_why(database):
    await sealing(a_key(1)).prepare(database, SEALED)
    other = sealing(a_key(2))
    assert not await other.prepare(database, SEALED)
    with pytest.raises(ForeignKeyError, match=r"the key ring holds key .* the same keys"):
        await factors(database, other).begin("trucban")
    without = sealing()
    with pytest.raises(NoKeyError, match="no key at the key ring"):
        await factors(database, without).begin("trucban")
    assert without._keys.keys == []


async def test_without_the_key_a_recovery_code_still_lets_in(database):
    right = sealing(a_key(1))
    await right.prepare(database, SEALED)
    set_up = factors(database, right)
    await set_up.drop("admin", actor="admin")
    secret = await set_up.begin("admin")
    codes = await set_up.confirm("admin", pyotp.TOTP(secret).at(AT), address="")
    wrong = factors(database, sealing(a_key(2)))
    assert await wrong.is_shut("admin")
    assert not await wrong.fits("admin", pyotp.TOTP(secret).at(AT.replace(minute=1)))
    assert await wrong.fits("admin", codes[0])
    assert not await set_up.is_shut("admin")


async def test_keys_that_are_gone_for_good_are_given_up_and_new_secrets_are_sealed(database):
    await sealing(a_key(1)).prepare(database, SEALED)
    new = sealing(a_key(2))
    told = await new.turn(database, SEALED, is_lost=True)
    assert len(told.faults) == 2
    await factors(database, new).begin("trucban")
    await factors(database, new).drop("admin", actor="service")
    assert [fault.partition(" of ")[0] for fault in (await new.look(database, SEALED)).faults] == [
        "webhook_endpoints.secret"
    ]


async def test_an_older_version_does_not_meet_what_it_cannot_read(database_url):
    upgrade(database_url, "0022")
    async with opened(database_url) as engine, transaction(engine) as connection:
        await connection.execute(insert(accounts).values(an_account("admin")))
        factor = {"account": "admin", "secret": TELEPHONE, "created_at": AT, "confirmed_at": AT}
        await connection.execute(insert(second_factors).values(factor))
        await connection.execute(insert(webhook_endpoints).values(an_endpoint()))
    upgrade(database_url)
    async with opened(database_url) as engine:
        assert await stored(engine) == (TELEPHONE, (1, MACHINE))
        await sealing(a_key(1)).prepare(engine, SEALED)
    downgrade(database_url, "0022")
    async with opened(database_url) as engine, reading(engine) as connection:
        assert (await connection.execute(select(second_factors.c.account))).all() == []
        assert (await connection.execute(select(webhook_endpoints.c.id))).all() == []


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A database of this version with nothing in it; laying the tables takes longer than copying them."""
    path = tmp_path_factory.mktemp("migrated") / "thongsuot.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def state(tmp_path, migrated):
    """A state folder of SQLite, with accounts whose second factors lie in clear."""
    shutil.copy(migrated, tmp_path / "thongsuot.db")
    with closing(sqlite3.connect(tmp_path / "thongsuot.db")) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for name in ("admin", "xoa"):
            connection.execute(
                "INSERT INTO accounts (name, role, password_hash, created_at, changed_at)"
                " VALUES (?, 'administrator', '-', '2021-05-23', '2021-05-23')",
                (name,),
            )
            connection.execute(
                "INSERT INTO second_factors (account, secret, created_at, confirmed_at)"
                " VALUES (?, ?, '2021-05-23', '2021-05-23')",
                (name, TELEPHONE if name == "admin" else "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"),
            )
        connection.execute(
            "INSERT INTO webhook_endpoints (party, dialect, url, events, enabled, secret, made_at, made_by)"
            " VALUES ('VNPT', 'own', 'https://noc.example/', '[]', 1, ?, '2021-05-23', 'vnpt')",
            (MACHINE,),
        )
    return tmp_path


def command(capsys, *words):
    done = main([*words])
    return done, capsys.readouterr()


def test_no_backup_and_no_database_holds_a_secret_in_clear_or_the_key(state, capsys, tmp_path):
    with closing(sqlite3.connect(state / "thongsuot.db")) as connection, connection:
        connection.execute("DELETE FROM second_factors WHERE account = 'xoa'")
    done, _ = command(capsys, "seal", "turn", "--state", str(state))
    assert done == 0
    save(state / "thongsuot.db", tmp_path / "copy.db")
    copied, lying = (tmp_path / "copy.db").read_bytes(), (state / "thongsuot.db").read_bytes()
    for secret in (TELEPHONE, MACHINE):
        assert secret.encode() not in copied
        assert secret.encode() not in lying
    assert b"KRSXG5CTMVRXEZLU" not in copied
    keys = (state / "seal.key").read_text().split()
    assert len(keys) == 2
    assert not [key for key in keys if key.encode() in copied]


def test_a_backup_says_which_key_it_needs_and_a_restore_whether_it_is_here(state, migrated, capsys, tmp_path):
    command(capsys, "seal", "turn", "--state", str(state))
    _, told = command(capsys, "seal", "status", "--state", str(state), "--json")
    newest = json.loads(told.out)["newest"]
    done, told = command(capsys, "backup", "save", str(tmp_path / "copy.db"), "--state", str(state))
    assert (
        done,
        f"seal key {newest} is not in the copy" in told.out,
        str(state / "seal.key") in told.out,
    ) == (0, True, True)
    elsewhere = tmp_path / "may-moi"
    elsewhere.mkdir()
    shutil.copy(migrated, elsewhere / "thongsuot.db")
    done, told = command(capsys, "backup", "restore", str(tmp_path / "copy.db"), "--state", str(elsewhere))
    assert (done, f"seal key {newest} is not at {elsewhere / 'seal.key'}" in told.out) == (0, True)
    (elsewhere / "seal.key").write_bytes((state / "seal.key").read_bytes())
    for kept in elsewhere.iterdir():
        kept.chmod(0o600)  # what lies open is closed, and that is told
    done, told = command(capsys, "seal", "status", "--state", str(elsewhere))
    assert (done, told.err) == (0, "")


def test_who_lost_key_and_telephone_is_let_in_from_the_machine_itself(state, capsys):
    command(capsys, "seal", "turn", "--state", str(state))
    (state / "seal.key").unlink()
    done, told = command(capsys, "seal", "status", "--state", str(state))
    assert (done, "which is not at" in told.err) == (1, True)
    done, told = command(capsys, "seal", "turn", "--state", str(state))
    assert (done, "seal turn --lost" in told.err) == (1, True)
    assert not (state / "seal.key").exists()
    done, told = command(capsys, "user", "drop-factor", "admin", "--state", str(state))
    assert (done, "second factor: none" in told.out) == (0, True)
    assert command(capsys, "user", "drop-factor", "khong", "--state", str(state))[0] == 1
    done, _ = command(capsys, "seal", "turn", "--lost", "--state", str(state))
    assert (done, (state / "seal.key").exists()) == (1, True)
    assert command(capsys, "user", "drop-factor", "xoa", "--state", str(state))[0] == 0


def test_a_new_key_is_one_that_is_taken(state, capsys, monkeypatch):
    _, told = command(capsys, "seal", "new")
    monkeypatch.setenv("THONGSUOT_SEAL_KEY", told.out.strip())
    assert command(capsys, "seal", "turn", "--state", str(state))[0] == 0
    done, told = command(capsys, "seal", "status", "--state", str(state))
    assert (done, told.out.startswith("THONGSUOT_SEAL_KEY: ")) == (0, True)
    assert not (state / "seal.key").exists()


def test_a_key_in_a_file_of_the_secrets_folder_is_read(state, capsys, monkeypatch, tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "thongsuot_seal_key").write_text(f"{a_key(2)}\n{a_key(1)}\n")
    monkeypatch.setenv("THONGSUOT_SECRETS_DIR", str(folder))
    assert command(capsys, "seal", "turn", "--state", str(state))[0] == 0
    monkeypatch.delenv("THONGSUOT_SECRETS_DIR")
    monkeypatch.setenv("THONGSUOT_SEAL_KEY", "sai")
    done, told = command(capsys, "seal", "status", "--state", str(state))
    assert (done, "THONGSUOT_SEAL_KEY: key 1 is not 32 bytes" in told.err) == (1, True)
