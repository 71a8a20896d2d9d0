-- Writes down that an instance ended by itself; twice is once. The last 100 of an app are kept.
-- in:     1 time of it, 2 JSON, 3 instance, 4 how far back crashes count as of one loop (ms),
--         5 how many of them are a loop, 6 how long a loop is told only once (ms), 7 what to tell
-- out:    1 when that makes it a loop that nobody was told of
-- errors: none
-- events: none
if get(K.app, "state") ~= "active" then return { "ok", 0 } end
if redis.call("ZADD", K.crashes, IN[1], IN[2]) == 0 then return { "ok", 0 } end
redis.call("ZREMRANGEBYRANK", K.crashes, 0, -101)
local count = 0
for _, json in ipairs(redis.call("ZRANGEBYSCORE", K.crashes, IN[1] - IN[4], IN[1])) do
  if cjson.decode(json).instance == IN[3] then count = count + 1 end
end
if count < tonumber(IN[5]) then return { "ok", 0 } end
local fresh = redis.call("SET", at(K.loop, IN[3]), IN[1], "PX", IN[6], "NX")
if not fresh then return { "ok", 0 } end
local deploy = get(at(K.instance, IN[3]), "deploy")
if deploy then note(deploy, "crash-loop " .. IN[7]) end
return { "ok", 1 }
