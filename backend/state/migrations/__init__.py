"""Changes of the database between releases, run by Alembic when the database is opened.

How to change the schema is in `backend/state/database.py`.
"""
