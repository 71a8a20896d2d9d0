-- Takes, or renews, the lease of the one worker that watches over what runs.
-- in:     1 worker, 2 lease in ms; 0 gives it back
-- out:    1 when it is this worker's
-- errors: none
-- events: none
local holder = redis.call("GET", K.warden)
if holder and holder ~= IN[1] then return { "ok", 0 } end
if IN[2] == "0" then redis.call("DEL", K.warden) else redis.call("SET", K.warden, IN[1], "PX", IN[2]) end
return { "ok", 1 }
