-- in:     none; APP is `*`
-- out:    for each router known: 1 when its lease has ended, else 0; JSON of its last report
-- errors: none
-- events: none
local out, time = { "ok" }, tonumber(now())
local routers = redis.call("ZRANGE", K.routers, 0, -1, "WITHSCORES")
for i = 1, #routers, 2 do
  local report = redis.call("GET", at(K.router, routers[i]))
  if report then out[#out + 1] = { tonumber(routers[i + 1]) <= time and 1 or 0, report } end
end
return out
