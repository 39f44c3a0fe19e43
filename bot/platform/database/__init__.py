"""The database: store, schema, migrations, row ids, search index, audit log, alarms. The tables are in models."""
