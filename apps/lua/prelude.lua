-- Stands before every script, after the generated lines (apps/store-scripts.ts) that define
--   K        key and channel names; those with a `*` are patterns for `at`
--   APP      name of the app, `*` in scripts about all apps
--   IN       the script's own inputs, strings
--   LIFE     instance state to its rank; FINAL set of a deploy's final states
--   SUPERSEDES  kind of deploy to the set of kinds that it makes needless
--   MAX_ATTEMPTS, KEEP_DEPLOYS
-- Every script replies {"ok", …} or {ERROR-CODE, param, value, …}, and writes nothing before it can no longer fail.
-- JSON is made outside and passed through as it is: cjson would turn an empty array into {}.

local function at(pattern, name)
  return (pattern:gsub("%*", function() return name end))
end

local function now()
  local time = redis.call("TIME")
  return string.format("%.0f", time[1] * 1000 + math.floor(time[2] / 1000))
end

-- nil for a missing field or key
local function get(key, field)
  return redis.call("HGET", key, field) or nil
end

-- Is `token` proof that its bearer is the app's executor?
local function is_newest(token)
  return get(K.app, "state") == "active" and get(K.app, "token") == token
end

local function fenced(token)
  return { "fenced", "name", APP, "token", token }
end

local function deploy_changed(id)
  redis.call("PUBLISH", K.deployEvents, id)
end

-- Set of the deploys that something which serves is of.
local function kept_deploys()
  local kept = {}
  for _, field in ipairs({ "liveDeploy", "standbyDeploy", "heldDeploy", "routeDeploy" }) do
    kept[get(K.app, field) or ""] = true
  end
  return kept
end

local function forget_deploy(id)
  redis.call("DEL", at(K.deploy, id), at(K.deployLog, id), at(K.deploySteps, id), at(K.deployGone, id))
end

-- Forgets the oldest finished deploys beyond KEEP_DEPLOYS, but none that live, standby or route are of.
local function trim_deploys()
  local running = redis.call("HEXISTS", K.app, "running")
  local unfinished = redis.call("LLEN", K.queued) + running
  local excess = redis.call("LLEN", K.deploys) - unfinished - KEEP_DEPLOYS
  if excess <= 0 then return end
  local kept = kept_deploys()
  -- four kept and the unfinished stay
  for _, id in ipairs(redis.call("LRANGE", K.deploys, 0, excess + 4 + unfinished)) do
    if excess > 0 and not kept[id] and FINAL[get(at(K.deploy, id), "state")] then
      forget_deploy(id)
      redis.call("LREM", K.deploys, 1, id)
      excess = excess - 1
    end
  end
end

-- Notes that a deploy came into a state, for those who want to be told: the app's notifiers, and
-- the code hosts of its senders. With nobody, nothing.
local function note(id, state)
  if redis.call("EXISTS", K.notifiers, K.senders) == 0 then return end
  redis.call("RPUSH", K.notices, id .. " " .. state)
  redis.call("LTRIM", K.notices, -10000, -1)
end

-- Gives a deploy its one final state; nothing if it has one. An empty `why` keeps what a cancel said.
local function finish(id, state, why)
  local key = at(K.deploy, id)
  local before = get(key, "state")
  if not before or FINAL[before] then return end
  redis.call("HSET", key, "state", state, "finishedAt", now())
  if state == "live" then
    redis.call("HDEL", key, "error")
  elseif why ~= "" then
    redis.call("HSET", key, "error", why)
  end
  redis.call("LREM", K.queued, 0, id)
  if get(K.app, "running") == id then redis.call("HDEL", K.app, "running") end
  deploy_changed(id)
  note(id, state)
  trim_deploys()
end

-- A cancel that an executor has yet to follow. The first reason stays.
local function ask_to_cancel(id, why)
  local key = at(K.deploy, id)
  if get(key, "cancelRequested") == "1" then return end
  redis.call("HSET", key, "cancelRequested", "1", "error", why)
  deploy_changed(id)
end

-- The error that stops `id` from being swapped in, or nil.
local function cannot_swap(id)
  local app, state, cancel, why = unpack(redis.call("HMGET", at(K.deploy, id), "app", "state", "cancelRequested", "error"))
  if app ~= APP then return { "deploy-not-found", "id", id } end
  if cancel == "1" then return { "deploy-cancelled", "id", id, "why", why and ": " .. why or "" } end
  if FINAL[state] then return { "deploy-finished", "id", id, "state", state } end
  return nil
end

local function publish_unhold(swap)
  redis.call("PUBLISH", K.routeEvents, cjson.encode({ type = "unhold", app = APP, swap = swap }))
end

-- Calls off whatever swap is prepared, but `except`: its commit can no longer come.
local function drop_hold(except)
  local swap = redis.call("GET", K.prepared)
  if not swap or swap == except then return end
  redis.call("DEL", K.prepared)
  publish_unhold(swap)
end

local function clear_slot(name)
  redis.call("HDEL", K.app, name .. "Colour", name .. "Release", name .. "Deploy", name .. "Since", name .. "PromoteAt")
end

-- As workers/hand-over.ts has it: `web` while it is routed to, standby or held, every other process
-- type with the deploy of the route; what was only being started beside them is nobody's.
local function is_needed(id)
  local process, deploy, state = unpack(redis.call("HMGET", at(K.instance, id), "process", "deploy", "state"))
  if process ~= "web" then return state == "healthy" and get(K.app, "routeDeploy") == deploy end
  if redis.call("SISMEMBER", K.targets, id) == 1 then return true end
  if get(K.app, "standbyDeploy") == deploy then return state == "live" end
  return state == "healthy" and get(K.app, "heldDeploy") == deploy
end

-- The recorded decision that an instance will be stopped. Without one of its targets a standby is
-- none (only targets are ever `live`), nor is what is held without one of its healthy `web`.
local function retire_instance(id, version)
  local key = at(K.instance, id)
  local state, deploy, process = unpack(redis.call("HMGET", key, "state", "deploy", "process"))
  if LIFE[state] >= LIFE.retired then return end
  if process == "web" and state == "healthy" and get(K.app, "heldDeploy") == deploy then clear_slot("held") end
  if state == "live" and get(K.app, "standbyDeploy") == deploy then clear_slot("standby") end
  redis.call("HSET", key, "state", "retired", "retiredVersion", version, "retiredAt", now())
end

-- JSON of what a slot runs for requests: `web` in `state`, in order; nil when that is nothing.
local function idle_json(name, state)
  local colour, release, deploy = unpack(redis.call("HMGET", K.app, name .. "Colour", name .. "Release", name .. "Deploy"))
  if not deploy then return nil end
  local ids, targets = redis.call("SMEMBERS", K.instances), {}
  table.sort(ids)
  for _, id in ipairs(ids) do
    local process, of, at_state, host, port = unpack(redis.call("HMGET", at(K.instance, id), "process", "deploy", "state", "host", "port"))
    if process == "web" and of == deploy and at_state == state and host then
      targets[#targets + 1] = string.format('{"id":"%s","host":"%s","port":%s}', id, host, port)
    end
  end
  if #targets == 0 then return nil end
  local list = table.concat(targets, ",")
  return string.format('"%s":{"colour":"%s","release":%s,"targets":[%s]}', name, colour, release, list)
end

-- Tells the routers what runs beside the live colour now, if that has changed.
local function tell_idle()
  local slots = {}
  for _, slot in ipairs({ { "held", "healthy" }, { "standby", "live" } }) do
    slots[#slots + 1] = idle_json(slot[1], slot[2])
  end
  local runs = table.concat(slots, ",")
  if runs == (get(K.app, "idle") or "") then return end
  redis.call("INCR", K.routesSeq)
  local version = redis.call("INCR", K.idlesSeq)
  local idle = string.format('{"app":"%s","version":%d%s}', APP, version, runs == "" and "" or "," .. runs)
  if runs == "" then
    redis.call("HDEL", K.app, "idle")
    redis.call("HDEL", K.idles, APP)
  else
    redis.call("HSET", K.app, "idle", runs)
    redis.call("HSET", K.idles, APP, idle)
  end
  redis.call("PUBLISH", K.routeEvents, '{"type":"idle","idle":' .. idle .. "}")
end

-- The error of the first target that cannot be routed to, or nil. IN[first..last]: id, `HOST:PORT`, …
local function wrong_target(first, last)
  for i = first, last, 2 do
    local app, state, host, port = unpack(redis.call("HMGET", at(K.instance, IN[i]), "app", "state", "host", "port"))
    if app ~= APP then state = "removed" end
    if state ~= "healthy" and state ~= "live" then
      return { "instance-retired", "instance", IN[i], "state", state }
    end
    local address = host and host .. ":" .. port or "no address"
    if address ~= IN[i + 1] then
      return { "internal", "detail", "instance " .. IN[i] .. " has " .. address }
    end
  end
  return nil
end

-- The error that a host is another app's, or nil. It is whose it is by name; a name that is nobody's
-- is of the wildcard that covers it. A wildcard may be claimed over names that others have already.
local function taken(host)
  local owner = get(K.hosts, host) or get(K.hosts, (host:gsub("^[^.]*", "*", 1)))
  if owner and owner ~= APP then
    return { "host-taken", "host", host, "owner", owner, "name", APP }
  end
  return nil
end

-- The error of the first of the hosts IN[first..] that is another app's, or nil.
local function taken_host(first)
  for i = first, #IN do
    local refusal = taken(IN[i])
    if refusal then return refusal end
  end
  return nil
end

-- Writes route, targets and hosts, and tells the routers. Domains stay claimed, routed or not.
local function write_route(route, event, first_target, first_host)
  redis.call("HSET", K.routes, APP, route)
  redis.call("DEL", K.targets)
  for i = first_target, first_host - 1, 2 do
    redis.call("HSET", at(K.instance, IN[i]), "state", "live")
    redis.call("SADD", K.targets, IN[i])
  end
  for _, host in ipairs(redis.call("SMEMBERS", K.appHosts)) do redis.call("HDEL", K.hosts, host) end
  redis.call("DEL", K.appHosts)
  for i = first_host, #IN do
    redis.call("HSET", K.hosts, IN[i], APP)
    redis.call("SADD", K.appHosts, IN[i])
  end
  for _, field in ipairs(redis.call("HKEYS", K.settings)) do
    local host = field:match("^domain%.(.*)$")
    if host then redis.call("HSET", K.hosts, host, APP) end
  end
  redis.call("DEL", K.prepared)
  redis.call("INCR", K.routesSeq)
  redis.call("PUBLISH", K.routeEvents, event)
end

-- Staged config that release `n`, now live, has as it was staged.
local function forget_staged(n)
  local config = cjson.decode(get(K.releases, n) or "{}").config or {}
  local settings = redis.call("HGETALL", K.settings)
  for i = 1, #settings, 2 do
    local name = settings[i]:match("^config%.(.*)$")
    if name and settings[i + 1] == (config[name] or "") then redis.call("HDEL", K.settings, settings[i]) end
  end
end
