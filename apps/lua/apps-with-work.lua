-- in:     none; APP is `*`
-- out:    names of apps that have a queued or running deploy, or are being destroyed
-- errors: none
-- events: none
local found = {}
for _, name in ipairs(redis.call("SMEMBERS", K.apps)) do
  local state, running = unpack(redis.call("HMGET", at(K.app, name), "state", "running"))
  if state == "destroying" or running or redis.call("LLEN", at(K.queued, name)) > 0 then
    found[#found + 1] = name
  end
end
return { "ok", found }
