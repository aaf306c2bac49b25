"""What Alembic runs: the missing revisions, on the connection and in the transaction of the caller."""

from alembic import context

# Everything or nothing: Alembic takes it that SQLite cannot roll back changes of tables, but it can.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
