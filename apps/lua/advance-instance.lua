-- Moves an instance forward in its life; backwards, or to where it is, changes nothing.
-- in:     1 token, 2 instance, 3 state, then host, port if they are known
-- out:    nothing
-- errors: fenced, instance-retired
-- events: none
local token, id, state, host, port = unpack(IN)
local key = at(K.instance, id)
if not is_newest(token) then return fenced(token) end
local before = get(key, "app") == APP and get(key, "state") or "removed"
if LIFE[before] >= LIFE.retired then return { "instance-retired", "instance", id, "state", before } end
if LIFE[state] <= LIFE[before] then return { "ok" } end
redis.call("HSET", key, "state", state)
if host then redis.call("HSET", key, "host", host, "port", port) end
return { "ok" }
