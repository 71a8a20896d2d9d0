-- Appends an event to the platform's stream and, when it is about an app that exists, to that app's.
-- Both are cut to a number and an age.
-- in:     1 how many the platform's keeps, 2 how many an app's keeps, 3 time in ms before which none is kept,
--         4 the event as JSON; APP is `*` for an event about no app
-- out:    its id
-- errors: none
-- events: `*` on the channel of events
local id = redis.call("XADD", K.events, "MAXLEN", IN[1], "*", "event", IN[4])
redis.call("XTRIM", K.events, "MINID", IN[3])
if redis.call("EXISTS", K.app) == 1 then
  redis.call("XADD", K.appEvents, "MAXLEN", IN[2], id, "event", IN[4])
  redis.call("XTRIM", K.appEvents, "MINID", IN[3])
end
redis.call("PUBLISH", K.newEvents, "*")
return { "ok", id }
