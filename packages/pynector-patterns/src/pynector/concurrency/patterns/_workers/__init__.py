"""Worker pools: `pool` is what users see, `workers` process what is in the `queue`."""
