-- Records instances in state `created`, each with the lowest free slot; those on record stay as they are.
-- One that was removed is not made anew: somebody may still be about to remove its container.
-- in:     1 token, 2 first slot, 3 last slot, then id, deploy, release, colour, process, index of each
-- out:    the fields of each
-- errors: fenced, deploy-not-found, instance-retired, no-free-slot, internal (an id of another app)
-- events: none
local token, slot, last = IN[1], tonumber(IN[2]), tonumber(IN[3])
if not is_newest(token) then return fenced(token) end
local ids = redis.call("SMEMBERS", K.instances)
local taken, known = {}, {}
for _, id in ipairs(ids) do
  taken[get(at(K.instance, id), "slot")] = true
  known[id] = true
end
local new, free = {}, {}
for i = 4, #IN, 6 do
  local owner = get(at(K.instance, IN[i]), "app")
  if owner and owner ~= APP then
    return { "internal", "detail", "instance " .. IN[i] .. " is on record for app " .. owner }
  end
  if get(at(K.deploy, IN[i + 1]), "app") ~= APP then return { "deploy-not-found", "id", IN[i + 1] } end
  if redis.call("SISMEMBER", at(K.deployGone, IN[i + 1]), IN[i]) == 1 then
    return { "instance-retired", "instance", IN[i], "state", "removed" }
  end
  if not known[IN[i]] then
    known[IN[i]] = true
    while taken[tostring(slot)] do slot = slot + 1 end
    if slot > last then return { "no-free-slot", "name", APP, "slots", #ids } end
    new[#new + 1] = i
    free[#free + 1] = slot
    slot = slot + 1
  end
end
for n, i in ipairs(new) do
  redis.call("HSET", at(K.instance, IN[i]), "id", IN[i], "app", APP, "deploy", IN[i + 1], "release", IN[i + 2],
    "colour", IN[i + 3], "process", IN[i + 4], "index", IN[i + 5], "state", "created", "slot", free[n])
  redis.call("SADD", K.instances, IN[i])
end
local out = { "ok" }
for i = 4, #IN, 6 do out[#out + 1] = redis.call("HGETALL", at(K.instance, IN[i])) end
return out
