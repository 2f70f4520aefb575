"""The event loop of asyncio under control."""
