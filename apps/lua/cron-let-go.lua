-- Gives back the lock of who looks at an app's jobs, unless it ran out and is another's by now.
-- in:     1 the holder's mark
-- out:    1 if it was given back, else 0
-- errors: none
-- events: none
if redis.call("GET", K.cronLock) ~= IN[1] then return { "ok", 0 } end
redis.call("DEL", K.cronLock)
return { "ok", 1 }
