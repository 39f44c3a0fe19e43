"""The database: store, schema, migrations, row ids, search index, audit log. What a row means is said in models."""
