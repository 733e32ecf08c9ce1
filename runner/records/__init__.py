"""What is on record of jobs, in SQLite: schema, migrations, queries."""
