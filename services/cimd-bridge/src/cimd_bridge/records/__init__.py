"""What the bridge remembers in Redis: one module an aggregate, its Lua beside it.

Anything that may be used once is spent by ONE script before anybody acts on it. Lua cannot decrypt,
so a record is a hash whose comparable fields are keyed hashes beside one sealed value. All keys of
a script carry the same hash tag (the id in braces), so the scripts run on a cluster too. Time is an
argument (`now`, Unix seconds): expiry is judged by it, and by Redis' own clock at the latest.
"""
