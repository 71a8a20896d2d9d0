-- Removes a user with all that is theirs: roles, tokens, sessions, SSH keys.
-- in:     1 user; APP is `*`
-- out:    nothing
-- errors: user-not-found
-- events: none
if redis.call("HDEL", K.users, IN[1]) == 0 then return { "user-not-found", "name", IN[1] } end
redis.call("DEL", at(K.userApps, IN[1]))
for _, key in ipairs({ K.tokens, K.sshKeys }) do
  local all = redis.call("HGETALL", key)
  for i = 1, #all, 2 do
    if cjson.decode(all[i + 1]).user == IN[1] then redis.call("HDEL", key, all[i]) end
  end
end
return { "ok" }
