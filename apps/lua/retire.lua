-- Invariant 5: the recorded decision that these instances will be stopped and never be live again.
-- in:     1 token, then instances; those without a record are gone already
-- out:    the fields of each
-- errors: fenced, instance-live
-- events: idle
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
    retire_instance(IN[i], version)
    out[#out + 1] = redis.call("HGETALL", at(K.instance, IN[i]))
  end
end
tell_idle()
return out
