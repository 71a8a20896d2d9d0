-- Changes the live route without a swap: other targets of the same live slot, other hosts.
-- One compare-and-set on (token, route version).
-- in:     1 token, 2 expected route version, 3 JSON of the route, 4 JSON of the event, 5 number of targets,
--         then id and `HOST:PORT` in the route of each target, then the hosts
-- out:    JSON of the route
-- errors: fenced, route-conflict, instance-retired, internal, host-taken
-- events: route
if not is_newest(IN[1]) then return fenced(IN[1]) end
local version = get(K.app, "routeVersion")
if version ~= IN[2] or not get(K.routes, APP) then
  return { "route-conflict", "name", APP, "expected", IN[2], "actual", version }
end
local first_host = 6 + 2 * tonumber(IN[5])
local live = get(K.app, "liveDeploy")
for i = 6, first_host - 1, 2 do
  local app, deploy = unpack(redis.call("HMGET", at(K.instance, IN[i]), "app", "deploy"))
  if app == APP and deploy ~= live then
    return { "internal", "detail", "instance " .. IN[i] .. " is not of the live colour" }
  end
end
local refusal = wrong_target(6, first_host - 1) or taken_host(first_host)
if refusal then return refusal end
redis.call("HSET", K.app, "routeVersion", version + 1)
write_route(IN[3], IN[4], 6, first_host)
return { "ok", IN[3] }
