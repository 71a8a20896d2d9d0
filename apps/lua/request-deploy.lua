-- Records what somebody wants to be live. The newest intent supersedes those queued that it makes needless.
-- in:     1 kind, 2 delivery or empty, 3 its time to live (s), then field, value, … of the intent
-- out:    the deploy's fields; of the first deploy, when the delivery has made one
-- errors: app-not-found, app-destroyed; of a guard also guard-moot, guard-waits; of a promotion by itself nothing-held, promote-waits
-- events: deploy events
local state = get(K.app, "state")
if not state then return { "app-not-found", "name", APP } end
if state ~= "active" then return { "app-destroyed", "name", APP } end
local delivery = IN[2] ~= "" and at(K.delivery, IN[2])
local made = delivery and redis.call("GET", delivery)
if made and get(at(K.deploy, made), "app") == APP then
  return { "ok", redis.call("HGETALL", at(K.deploy, made)) }
end
local guard_of, promote_of
for i = 4, #IN, 2 do
  if IN[i] == "guardOf" then guard_of = IN[i + 1] end
  if IN[i] == "promoteOf" then promote_of = IN[i + 1] end
end
-- What goes by itself is never over the head of something newer.
local function newer()
  local waiting = redis.call("LRANGE", K.queued, 0, -1)
  table.insert(waiting, get(K.app, "running"))
  for _, id in ipairs(waiting) do
    if SUPERSEDES.rollback[get(at(K.deploy, id), "kind") or ""] then return id end
  end
end
if guard_of then
  -- it goes back for no other than what it watched
  if get(K.app, "routeDeploy") ~= guard_of then return { "guard-moot", "id", guard_of } end
  local id = newer()
  if id then return { "guard-waits", "id", id } end
end
if promote_of then
  local due = get(K.app, "heldPromoteAt")
  if get(K.app, "heldDeploy") ~= promote_of or not due then return { "nothing-held", "name", APP } end
  local id = newer()
  if id then return { "promote-waits", "id", id } end
  redis.call("HDEL", K.app, "heldPromoteAt")
end
local seq = redis.call("HINCRBY", K.app, "seq", 1)
local id = APP .. "-" .. seq
local key = at(K.deploy, id)
for _, older in ipairs(redis.call("LRANGE", K.queued, 0, -1)) do
  if SUPERSEDES[IN[1]][get(at(K.deploy, older), "kind")] then
    redis.call("HSET", at(K.deploy, older), "supersededBy", id)
    finish(older, "superseded", "superseded by " .. id)
  end
end
redis.call("HSET", key, "id", id, "seq", seq, "state", "queued", "createdAt", now(), "attempts", 0, "cancelRequested", "0")
for i = 4, #IN, 2 do redis.call("HSET", key, IN[i], IN[i + 1]) end
redis.call("RPUSH", K.deploys, id)
if delivery then redis.call("SET", delivery, id, "EX", IN[3]) end
redis.call("RPUSH", K.queued, id)
local running = get(K.app, "running")
local busy_with = running and get(at(K.deploy, running), "kind")
if IN[1] == "rollback" and busy_with ~= "rollback" and SUPERSEDES.rollback[busy_with or ""] then
  ask_to_cancel(running, "rolled back")
end
if guard_of then note(id, "guard-tripped") end
deploy_changed(id)
return { "ok", redis.call("HGETALL", key) }
