-- Phase one of a swap. A swap that was prepared before is called off.
-- in:     1 token, 2 deploy, 3 swap, 4 time in which the commit must follow, ms, 5 JSON of the event
-- out:    nothing
-- errors: fenced, deploy-not-found, deploy-cancelled, deploy-finished
-- events: prepare, unhold
local token, id, swap = IN[1], IN[2], IN[3]
if not is_newest(token) then return fenced(token) end
local refusal = cannot_swap(id)
if refusal then return refusal end
drop_hold(swap)
redis.call("SET", K.prepared, swap, "PX", IN[4])
redis.call("PUBLISH", K.routeEvents, IN[5])
return { "ok" }
