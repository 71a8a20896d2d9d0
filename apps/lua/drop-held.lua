-- Throws away what is held: its instances are retired. Needs no claim, for a swap to a retired instance is refused.
-- in:     none
-- out:    nothing
-- errors: app-not-found, nothing-held
-- events: idle
if not get(K.app, "state") then return { "app-not-found", "name", APP } end
local deploy, version = unpack(redis.call("HMGET", K.app, "heldDeploy", "routeVersion"))
if not deploy then return { "nothing-held", "name", APP } end
for _, id in ipairs(redis.call("SMEMBERS", K.instances)) do
  if get(at(K.instance, id), "deploy") == deploy then retire_instance(id, version) end
end
clear_slot("held")
note(deploy, "aborted")
tell_idle()
return { "ok" }
