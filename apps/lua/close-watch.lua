-- Ends a watch, once.
-- in:     1 deploy that the watch is of, 2 JSON of the watch as it ended
-- out:    1 when it was still open
-- errors: none
-- events: none
local known = get(K.watches, APP)
local watch = known and cjson.decode(known)
if not watch or watch.deploy ~= IN[1] or watch.state ~= "watching" then return { "ok", 0 } end
redis.call("HSET", K.watches, APP, IN[2])
return { "ok", 1 }
