-- What became of a retired instance's container. Forward only; an instance that is not retired stays as it is.
-- in:     1 instance, 2 `stopped` or `removed`; APP is `*`
-- out:    nothing
-- errors: none
-- events: none
local key = at(K.instance, IN[1])
local app, state, deploy = unpack(redis.call("HMGET", key, "app", "state", "deploy"))
if not app or LIFE[state] < LIFE.retired then return { "ok" } end
if IN[2] == "stopped" then
  redis.call("HSET", key, "state", "stopped")
else
  redis.call("DEL", key)
  redis.call("SREM", at(K.instances, app), IN[1])
  if redis.call("EXISTS", at(K.deploy, deploy)) == 1 then
    redis.call("SADD", at(K.deployGone, deploy), IN[1])
  end
end
return { "ok" }
