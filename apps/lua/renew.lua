-- in:     1 token, 2 executor, 3 lease in ms
-- out:    1 if the lease goes on, 0 if another has taken over
-- errors: none
-- events: none
if not is_newest(IN[1]) then return { "ok", 0 } end
redis.call("SET", K.lease, IN[2] .. " " .. IN[1], "PX", IN[3])
return { "ok", 1 }
