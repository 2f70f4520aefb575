"""A crawler of one web site, and a server of sites to crawl: what `demo.py` is made of.

| to read, in this order | is | uses of pynector |
| --- | --- | --- |
| `demo` | one run of the program | task group, `CancelScope`, `ConnectionPool`, `PoolWatch` |
| `crawler` | pages that lead to pages | two `WorkerPool`s, one that fetches, one that reads |
| `client` | requests with time-outs and retries | `RetryPolicy`, `RateLimiter`, leases of the pool |
| `connection`, `wire` | HTTP/1.1: h11 over AnyIO's sockets | |
| `page`, `report`, `outcome` | links and anchors; what was found; what it came to | |
| `journal`, `progress` | a file and a picture of it while it runs | `Lock` |
| `server` | the server on the loopback | `TaskStatus`, `CapacityLimiter`, `move_on_after` |
| `options`, `target`, `generated_site`, `folder` | what there is to crawl | |
"""
