"""Worker pools: the items' handles, the queue of those that wait, and the workers that works it off."""
