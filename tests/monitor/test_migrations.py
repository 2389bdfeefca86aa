"""The tables that alembic lays are the tables that the code means, both ways."""

from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from monitor import migrations


def looked_at(url):
    """What is in the database, seen by a connection that ends with the look."""
    return inspect(create_engine(url.replace("+aiosqlite", ""), poolclass=NullPool))


def test_an_empty_database_becomes_the_tables_in_the_code_and_goes_back(database_url):
    assert migrations.current(database_url) is None
    migrations.upgrade(database_url)
    migrations.check(database_url)
    assert migrations.current(database_url) == migrations.head()
    migrations.upgrade(database_url)
    migrations.downgrade(database_url, "base")
    assert migrations.current(database_url) is None
    assert looked_at(database_url).get_table_names() == ["alembic_version"]


def test_one_open_outage_a_target_is_held_by_the_database(database_url):
    migrations.upgrade(database_url)
    [index] = [
        one for one in looked_at(database_url).get_indexes("outages") if one["name"] == "uq_outages_open"
    ]
    [condition] = [text for name, text in index["dialect_options"].items() if name.endswith("_where")]
    assert index["unique"]
    assert "ended_at IS NULL" in str(condition)


def test_there_is_one_head():
    script = ScriptDirectory.from_config(migrations._config("sqlite://"))
    assert len(script.get_heads()) == 1


def test_what_a_roster_had_seen_before_is_numbered_for_each_party(database_url):
    migrations.upgrade(database_url, "0018")
    row = "INSERT INTO roster_changes (at, actor, act, party, duty) VALUES ('2021-05-23', 'a', 'edit', :party, 'x')"
    engine = create_engine(database_url.replace("+aiosqlite", ""), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(row), [{"party": party} for party in ("VNPT", "VIETTEL", "VNPT", "VNPT")])
    migrations.upgrade(database_url)
    with engine.connect() as connection:
        told = connection.execute(text("SELECT id, party, number FROM roster_changes ORDER BY id")).all()
    assert [tuple(one) for one in told] == [(1, "VNPT", 1), (2, "VIETTEL", 1), (3, "VNPT", 2), (4, "VNPT", 3)]
