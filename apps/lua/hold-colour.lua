-- Leaves what a deploy has started in the idle colour, and ends the deploy as `held`.
-- What was held before is retired. With `promoteAfter` of the deploy (ms) it is to be promoted then.
-- in:     1 token, 2 deploy, 3 release, 4 colour, 5 why, then the `web` instances, each healthy
-- out:    nothing
-- errors: fenced, deploy-not-found, deploy-cancelled, deploy-finished, instance-retired
-- events: idle, deploy event
if not is_newest(IN[1]) then return fenced(IN[1]) end
local refusal = cannot_swap(IN[2])
if refusal then return refusal end
for i = 6, #IN do
  local state = get(at(K.instance, IN[i]), "state") or "removed"
  if state ~= "healthy" then return { "instance-retired", "instance", IN[i], "state", state } end
end
local version, before = unpack(redis.call("HMGET", K.app, "routeVersion", "heldDeploy"))
if before and before ~= IN[2] then
  for _, id in ipairs(redis.call("SMEMBERS", K.instances)) do
    if get(at(K.instance, id), "deploy") == before then retire_instance(id, version) end
  end
end
redis.call("HSET", K.app, "heldColour", IN[4], "heldRelease", IN[3], "heldDeploy", IN[2], "heldSince", now())
local after = get(at(K.deploy, IN[2]), "promoteAfter")
if after then
  redis.call("HSET", K.app, "heldPromoteAt", string.format("%.0f", now() + after))
else
  redis.call("HDEL", K.app, "heldPromoteAt")
end
tell_idle()
finish(IN[2], "held", IN[5])
return { "ok" }
