"""Alembic's entry: knows the tables of all layers and migrates over one synchronous connection."""

from alembic import context
from sqlalchemy import create_engine, func, pool, select

from alerting import aid_schema as aid_tables
from alerting import endpoint_schema as endpoint_tables
from alerting import field_schema as field_tables
from alerting import roster_schema as roster_tables
from alerting import schema as alerting_tables
from dashboards.reports import schema as report_tables
from inventory import schema as inventory_tables
from inventory.database import metadata
from monitor import schema as monitor_tables

TABLES = (
    inventory_tables,
    monitor_tables,
    alerting_tables,
    roster_tables,
    report_tables,
    aid_tables,
    field_tables,
    endpoint_tables,
)
"""Importing a schema registers its tables with the metadata."""

MIGRATING = 0x7468_6D69
"""Number of the lock that migrations of one database share."""

engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
try:
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True
        )
        with context.begin_transaction():
            if engine.dialect.name == "postgresql":
                # Several services may start at once: the second waits, and finds nothing left to do.
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
            context.run_migrations()
finally:
    engine.dispose()
