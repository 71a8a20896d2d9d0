-- Takes, or renews, the lease of the one worker that has a duty.
-- in:     1 duty: `watch` over what runs, `order` certificates, `sample` figures; 2 worker,
--         3 lease in ms; 0 gives it back
-- out:    1 when it is this worker's
-- errors: none
-- events: none
local key = ({ watch = K.warden, order = K.acmeLease, sample = K.sampler })[IN[1]]
local holder = redis.call("GET", key)
if holder and holder ~= IN[2] then return { "ok", 0 } end
if IN[3] == "0" then redis.call("DEL", key) else redis.call("SET", key, IN[2], "PX", IN[3]) end
return { "ok", 1 }
