-- Invariant 5: the recorded decision that these instances will be stopped and never be live again.
-- in:     1 token, then instances; those without a record are gone already
-- out:    the fields of each
-- errors: fenced, instance-live
-- events: none
if not is_newest(IN[1]) then return fenced(IN[1]) end
for i = 2, #IN do
  if redis.call("SISMEMBER", K.targets, IN[i]) == 1 then
    return { "instance-live", "instance", IN[i], "name", APP }
  end
end
local version = get(K.app, "routeVersion")
local out = { "ok" }
for i = 2, #IN do
  if redis.call("SISMEMBER", K.instances, IN[i]) == 1 then
    local key = at(K.instance, IN[i])
    if retire_instance(IN[i], version) and get(K.app, "standbyDeploy") == get(key, "deploy") then
      clear_slot("standby")
    end
    out[#out + 1] = redis.call("HGETALL", key)
  end
end
return out
