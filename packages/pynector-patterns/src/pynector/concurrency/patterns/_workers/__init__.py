"""Worker pools: the items' handles, the backlog of those that wait, and the crew that works it off."""
