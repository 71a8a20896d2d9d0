-- Creates an app. One that had the name before lends its counters, so that its late executors stay
-- fenced and routers that remember it see versions grow.
-- in:     1 app id, 2 created by
-- out:    the app's fields
-- errors: app-exists, app-destroyed
-- events: none
local state = get(K.app, "state")
if state then
  return { state == "active" and "app-exists" or "app-destroyed", "name", APP }
end
local token, seq, version = (get(K.past, APP) or "0 0 0"):match("(%d+) (%d+) (%d+)")
redis.call("HDEL", K.past, APP)
redis.call("HSET", K.app, "name", APP, "id", IN[1], "createdAt", now(), "createdBy", IN[2],
  "state", "active", "token", token, "seq", seq, "routeVersion", version)
redis.call("SADD", K.apps, APP)
return { "ok", redis.call("HGETALL", K.app) }
