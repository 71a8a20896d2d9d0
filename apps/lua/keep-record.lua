-- Keeps one more of what an app has some of: who may ask for its deploys, who is told of them.
-- in:     1 `senders` or `notifiers`, 2 id, 3 JSON, 4 how many an app may have
-- out:    nothing
-- errors: app-not-found, app-destroyed, too-many-senders, too-many-notifiers
-- events: none
local key = ({ senders = K.senders, notifiers = K.notifiers })[IN[1]]
local state = get(K.app, "state")
if not state then return { "app-not-found", "name", APP } end
if state ~= "active" then return { "app-destroyed", "name", APP } end
if redis.call("HLEN", key) >= tonumber(IN[4]) then return { "too-many-" .. IN[1], "limit", IN[4], "app", APP } end
redis.call("HSET", key, IN[2], IN[3])
return { "ok" }
