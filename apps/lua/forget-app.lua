-- Forgets all that is recorded of a destroyed app, but for its counters. No-op unless it is `destroying` and the id matches.
-- in:     1 app id
-- out:    nothing
-- errors: none
-- events: deploy events, for those who follow a log
if get(K.app, "state") ~= "destroying" or get(K.app, "id") ~= IN[1] then return { "ok" } end
local token, seq, version = unpack(redis.call("HMGET", K.app, "token", "seq", "routeVersion"))
redis.call("HSET", K.past, APP, token .. " " .. seq .. " " .. version)
for _, id in ipairs(redis.call("LRANGE", K.deploys, 0, -1)) do
  forget_deploy(id)
  deploy_changed(id)
end
for _, id in ipairs(redis.call("SMEMBERS", K.instances)) do redis.call("DEL", at(K.instance, id)) end
redis.call("DEL", K.app, K.lease, K.prepared, K.deploys, K.queued, K.releases, K.instances, K.targets, K.appHosts, K.settings,
  K.senders, K.deliveries, K.notifiers, K.sent, K.appEvents, K.series)
redis.call("SREM", K.apps, APP)
return { "ok" }
