-- The swap: one compare-and-set on (token, route version).
-- in:     1 token, 2 deploy, 3 swap, 4 release, 5 colour, 6 deploy that started the targets,
--         7 expected route version, 8 JSON of the route, 9 JSON of the event, 10 number of targets,
--         then id and `HOST:PORT` in the route of each target, then the hosts
-- out:    JSON of the route, as it is now
-- errors: fenced, deploy-not-found, deploy-cancelled, deploy-finished, route-conflict, hold-expired,
--         instance-retired, internal (a target's address is not that of the route), host-taken
-- events: route; idle; unhold when the route is this deploy's already
local token, id, swap, started_by = IN[1], IN[2], IN[3], IN[6]
if not is_newest(token) then return fenced(token) end
if get(K.app, "routeDeploy") == id then
  drop_hold()
  return { "ok", get(K.routes, APP) }
end

local refusal = cannot_swap(id)
if refusal then return refusal end
local version = get(K.app, "routeVersion")
if version ~= IN[7] then return { "route-conflict", "name", APP, "expected", IN[7], "actual", version } end
-- the first route replaces nothing, so that nobody needs to hold
if get(K.routes, APP) and redis.call("GET", K.prepared) ~= swap then
  return { "hold-expired", "name", APP, "swap", swap }
end
local first_host = 11 + 2 * tonumber(IN[10])
refusal = wrong_target(11, first_host - 1) or taken_host(first_host)
if refusal then return refusal end

-- the old live one stays warm, unless the same instances stay live; so live and standby always differ
local old = redis.call("HMGET", K.app, "liveColour", "liveRelease", "liveDeploy", "liveSince")
if old[3] and old[3] ~= started_by then
  redis.call("HSET", K.app, "standbyColour", old[1], "standbyRelease", old[2], "standbyDeploy", old[3], "standbySince", old[4])
end
redis.call("HSET", K.app, "routeVersion", version + 1, "routeDeploy", id,
  "liveColour", IN[5], "liveRelease", IN[4], "liveDeploy", started_by, "liveSince", now())
-- what was held is promoted by this, or was made beside what is live no more
clear_slot("held")
forget_staged(IN[4])
write_route(IN[8], IN[9], 11, first_host)
tell_idle()
return { "ok", IN[8] }
