-- Keeps a certificate of an app, in the place of the one with the same id, and takes away those that it replaces.
-- in:     1 certificate id, 2 JSON of the certificate, 3 how many an app may have, then the ids to take away
-- out:    nothing
-- errors: app-not-found, app-destroyed, too-many-certificates
-- events: certificates
local state = get(K.app, "state")
if not state then return { "app-not-found", "name", APP } end
if state ~= "active" then return { "app-destroyed", "name", APP } end
for i = 4, #IN do redis.call("HDEL", K.certificates, APP .. " " .. IN[i]) end
local count = 0
for _, field in ipairs(redis.call("HKEYS", K.certificates)) do
  if field:match("^%S+") == APP and field ~= APP .. " " .. IN[1] then count = count + 1 end
end
if count >= tonumber(IN[3]) then return { "too-many-certificates", "name", APP, "limit", IN[3] } end
redis.call("HSET", K.certificates, APP .. " " .. IN[1], IN[2])
redis.call("INCR", K.certificatesSeq)
redis.call("PUBLISH", K.certificateEvents, APP)
return { "ok" }
