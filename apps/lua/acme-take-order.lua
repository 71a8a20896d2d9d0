-- Takes one of the orders that may be placed within a time, for all apps together.
-- in:     1 the time (ms), 2 how many
-- out:    1 if there was one, else 0
-- errors: none
-- events: none
redis.call("ZREMRANGEBYSCORE", K.acmeOrders, "-inf", now() - IN[1])
if redis.call("ZCARD", K.acmeOrders) >= tonumber(IN[2]) then return { "ok", 0 } end
redis.call("ZADD", K.acmeOrders, now(), now() .. " " .. redis.call("INCR", K.acmeCount))
return { "ok", 1 }
