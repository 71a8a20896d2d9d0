-- Puts a release on guard, unless a newer one is already.
-- in:     1 seq of its deploy, 2 JSON of the watch
-- out:    nothing
-- errors: none
-- events: none
local known = get(K.watches, APP)
local seq = known and cjson.decode(known).seq or 0
if get(K.app, "state") == "active" and tonumber(IN[1]) > seq then redis.call("HSET", K.watches, APP, IN[2]) end
return { "ok" }
