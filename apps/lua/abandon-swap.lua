-- Calls a prepared swap off. Routers may hold for longer than a commit is allowed, so they are told in any case.
-- in:     1 token, 2 swap
-- out:    nothing
-- errors: fenced
-- events: unhold
if not is_newest(IN[1]) then return fenced(IN[1]) end
if redis.call("GET", K.prepared) == IN[2] then redis.call("DEL", K.prepared) end
publish_unhold(IN[2])
return { "ok" }
