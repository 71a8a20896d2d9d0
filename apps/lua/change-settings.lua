-- Changes what an app is to be. Domains are claimed at once; one that is taken away stays claimed
-- for as long as the route has it.
-- in:     1 token of the executor that asks, or empty, 2 number of fields to set, then field and value
--         of each, then fields to delete
-- out:    the settings' fields
-- errors: app-not-found, app-destroyed, host-taken, fenced
-- events: none
local state = get(K.app, "state")
if not state then return { "app-not-found", "name", APP } end
if state ~= "active" then return { "app-destroyed", "name", APP } end
if IN[1] ~= "" and not is_newest(IN[1]) then return fenced(IN[1]) end
local function host_of(field) return field:match("^domain%.(.*)$") end
local first_gone = 3 + 2 * tonumber(IN[2])
for i = 3, first_gone - 1, 2 do
  local refusal = host_of(IN[i]) and taken(host_of(IN[i]))
  if refusal then return refusal end
end
for i = 3, first_gone - 1, 2 do
  redis.call("HSET", K.settings, IN[i], IN[i + 1])
  if host_of(IN[i]) then redis.call("HSET", K.hosts, host_of(IN[i]), APP) end
end
for i = first_gone, #IN do
  local host = host_of(IN[i])
  local had = redis.call("HDEL", K.settings, IN[i]) == 1
  if had and host and redis.call("SISMEMBER", K.appHosts, host) == 0 then redis.call("HDEL", K.hosts, host) end
end
return { "ok", redis.call("HGETALL", K.settings) }
