"""Every page that a person can meet. A new page is one line in the table of its part."""

from e2e import ways_bridge, ways_client, ways_emulator
from e2e.gallery import Way

PAGES: dict[str, Way] = {**ways_bridge.PAGES, **ways_emulator.PAGES, **ways_client.PAGES}
