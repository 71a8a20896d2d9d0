-- Takes the app and what is to be done next: the running deploy that a dead executor left, else the queued one.
-- One that was left too often is ended here, and instances that neither live, standby, route nor held colour needs are retired.
-- in:     1 executor, 2 lease in ms, 3 why a deploy taken up too often fails, with `{id}`
-- out:    nothing when there is a lease or no work; else the new token, the deploy's fields
-- errors: none
-- events: deploy events; idle; unhold of the dead executor's swap, whose commit is now refused
if get(K.app, "state") ~= "active" or redis.call("EXISTS", K.lease) == 1 then return { "ok" } end
local id = get(K.app, "running")
if id and tonumber(get(at(K.deploy, id), "attempts")) >= MAX_ATTEMPTS then
  local state = get(K.app, "routeDeploy") == id and "live" or "failed"
  finish(id, state, (IN[3]:gsub("{id}", id)))
  redis.call("HINCRBY", K.app, "token", 1)
  drop_hold()
  -- there may be no further executor who would see to what this one left
  local version = get(K.app, "routeVersion")
  for _, instance in ipairs(redis.call("SMEMBERS", K.instances)) do
    if not is_needed(instance) then retire_instance(instance, version) end
  end
  tell_idle()
  id = nil
end
if not id then
  id = redis.call("LPOP", K.queued)
  if not id then return { "ok" } end
  redis.call("HSET", K.app, "running", id)
  redis.call("HSET", at(K.deploy, id), "state", "running", "startedAt", now())
  note(id, "running")
end
redis.call("HINCRBY", at(K.deploy, id), "attempts", 1)
drop_hold()
local token = redis.call("HINCRBY", K.app, "token", 1)
redis.call("SET", K.lease, IN[1] .. " " .. token, "PX", IN[2])
deploy_changed(id)
return { "ok", token, redis.call("HGETALL", at(K.deploy, id)) }
