-- Has something told, and no more of it for a while.
-- in:     1 `diskLow` or `spared`, 2 instance (of `spared`), 3 what is known, 4 for how long (ms), 5… what to tell
-- out:    1 when it was not told already
-- errors: none
-- events: none
local mark = ({ diskLow = K.diskLow, spared = at(K.spared, IN[2]) })[IN[1]]
if not redis.call("SET", mark, IN[3], "PX", IN[4], "NX") then return { "ok", 0 } end
for i = 5, #IN do redis.call("RPUSH", K.notices, IN[i]) end
return { "ok", 1 }
