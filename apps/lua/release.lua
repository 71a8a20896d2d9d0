-- Ends a lease and the claim with it: the token grows, so that a late write or renewal is refused.
-- in:     1 token
-- out:    1 when more work waits for the app
-- errors: none
-- events: unhold of a swap that was prepared: its commit is now refused
local more = get(K.app, "state") == "destroying"
if is_newest(IN[1]) then
  redis.call("HINCRBY", K.app, "token", 1)
  redis.call("DEL", K.lease)
  drop_hold()
  more = redis.call("HEXISTS", K.app, "running") == 1 or redis.call("LLEN", K.queued) > 0
end
return { "ok", more and 1 or 0 }
