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
  K.senders, K.deliveries, K.came, K.notifiers, K.sent, K.cron, K.appEvents, K.series, K.crashes)
redis.call("HDEL", K.watches, APP)
redis.call("SREM", K.apps, APP)
-- Rights end with the app: a new one of its name is nobody's yet.
for _, user in ipairs(redis.call("HKEYS", K.users)) do redis.call("HDEL", at(K.userApps, user), APP) end
for _, key in ipairs({ K.tokens, K.sshKeys }) do
  local all = redis.call("HGETALL", key)
  for i = 1, #all, 2 do
    local record = cjson.decode(all[i + 1])
    local apps, rest = record.apps, {}
    if type(apps) == "table" then
      for _, app in ipairs(apps) do
        if app ~= APP then rest[#rest + 1] = app end
      end
      if #rest == 0 and #apps > 0 then
        redis.call("HDEL", key, all[i])
      elseif #rest < #apps then
        record.apps = rest
        redis.call("HSET", key, all[i], cjson.encode(record))
      end
    end
  end
end
return { "ok" }
