-- Records what somebody wants to be live. The newest intent supersedes those queued that it makes needless.
-- in:     1 kind, then field, value, … of the intent
-- out:    the deploy's fields
-- errors: app-not-found, app-destroyed
-- events: deploy events
local state = get(K.app, "state")
if not state then return { "app-not-found", "name", APP } end
if state ~= "active" then return { "app-destroyed", "name", APP } end
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
for i = 2, #IN, 2 do redis.call("HSET", key, IN[i], IN[i + 1]) end
redis.call("RPUSH", K.deploys, id)
redis.call("RPUSH", K.queued, id)
local running = get(K.app, "running")
local busy_with = running and get(at(K.deploy, running), "kind")
if IN[1] == "rollback" and busy_with ~= "rollback" and SUPERSEDES.rollback[busy_with or ""] then
  ask_to_cancel(running, "rolled back")
end
deploy_changed(id)
return { "ok", redis.call("HGETALL", key) }
