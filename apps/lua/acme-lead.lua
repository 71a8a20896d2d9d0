-- Takes or keeps the lease of the one worker that orders certificates.
-- in:     1 worker id, 2 lease (ms)
-- out:    1 if it is the worker's now, else 0
-- errors: none
-- events: none
local leader = redis.call("GET", K.acmeLease)
if leader and leader ~= IN[1] then return { "ok", 0 } end
redis.call("SET", K.acmeLease, IN[1], "PX", IN[2])
return { "ok", 1 }
