-- Tombstone: from here on every executor is fenced, nothing is routed, every instance is retired. Twice is once.
-- in:     1 why, for the deploys that it ends, 2 `volumes` when its volumes are to go too
-- out:    the app's fields
-- errors: app-not-found
-- events: gone, if there was a route; idle; certificates, if there was one; deploy events
local state = get(K.app, "state")
if not state then return { "app-not-found", "name", APP } end
if state == "active" then
  redis.call("HSET", K.app, "state", "destroying")
  if IN[2] == "volumes" then redis.call("HSET", K.app, "removeVolumes", 1) end
  redis.call("HINCRBY", K.app, "token", 1)
  redis.call("DEL", K.lease, K.prepared)
  for _, id in ipairs(redis.call("LRANGE", K.queued, 0, -1)) do finish(id, "cancelled", IN[1]) end
  local running = get(K.app, "running")
  if running then finish(running, "cancelled", IN[1]) end
  if redis.call("HDEL", K.routes, APP) == 1 then
    local version = redis.call("HINCRBY", K.app, "routeVersion", 1)
    redis.call("INCR", K.routesSeq)
    redis.call("PUBLISH", K.routeEvents, cjson.encode({ type = "gone", app = APP, version = version }))
  end
  for _, host in ipairs(redis.call("SMEMBERS", K.appHosts)) do redis.call("HDEL", K.hosts, host) end
  for _, field in ipairs(redis.call("HKEYS", K.settings)) do
    local host = field:match("^domain%.(.*)$")
    if host then redis.call("HDEL", K.hosts, host) end
  end
  redis.call("DEL", K.appHosts, K.targets, K.settings)
  redis.call("HDEL", K.app, "routeDeploy")
  for _, field in ipairs(redis.call("HKEYS", K.certificates)) do
    if field:match("^%S+") == APP then
      redis.call("HDEL", K.certificates, field)
      redis.call("INCR", K.certificatesSeq)
      redis.call("PUBLISH", K.certificateEvents, APP)
    end
  end
  clear_slot("live")
  clear_slot("standby")
  clear_slot("held")
  for _, id in ipairs(redis.call("SMEMBERS", K.instances)) do
    retire_instance(id, get(K.app, "routeVersion"))
  end
  tell_idle()
end
return { "ok", redis.call("HGETALL", K.app) }
