-- A queued deploy is cancelled at once; a running one is asked to, and its executor ends it.
-- in:     1 deploy, 2 why
-- out:    the deploy's fields
-- errors: deploy-not-found, deploy-finished
-- events: deploy event
local id, why = IN[1], IN[2]
local key = at(K.deploy, id)
local state = get(key, "state")
if not state then return { "deploy-not-found", "id", id } end
if FINAL[state] then return { "deploy-finished", "id", id, "state", state } end
if state == "queued" then finish(id, "cancelled", why) else ask_to_cancel(id, why) end
return { "ok", redis.call("HGETALL", key) }
