-- Appends lines to a deploy's log. When it is full, a line says so and the build's own output is
-- dropped; what the platform itself says still has some room, for it may say why the deploy failed.
-- in:     1 deploy, 2 lines that fit, 3 room for the platform's own, 4 time in ms, 5 line that says `cut`,
--         6 time to live in s of a log whose deploy has no record, then kind, text, …; APP is `*`
-- out:    nothing
-- errors: none
-- events: deploy event
local log = at(K.deployLog, IN[1])
local fit, room = tonumber(IN[2]), tonumber(IN[3])
local length = redis.call("XLEN", log)
local function add(kind, text)
  redis.call("XADD", log, "*", "at", IN[4], "kind", kind, "text", text)
  length = length + 1
end
for i = 7, #IN, 2 do
  if length == fit then add("warn", IN[5]) end
  if length < fit or (IN[i] ~= "output" and length < fit + room) then add(IN[i], IN[i + 1]) end
end
if redis.call("EXISTS", at(K.deploy, IN[1])) == 0 then redis.call("EXPIRE", log, IN[6]) end
deploy_changed(IN[1])
return { "ok" }
