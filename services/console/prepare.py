"""Makes a database ready for the doors: schema, first plan, first key; safe at every start."""

from services.console.migrate import upgrade


async def prepare(database_url: str) -> None:
    """Bring the database to this version's schema."""
    await upgrade(database_url)
