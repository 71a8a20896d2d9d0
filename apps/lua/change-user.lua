-- Changes what is known of a user; `=` leaves a field as it is, an empty one takes it away.
-- in:     1 user, 2 when they were added (ms, or "" for whichever), 3 e-mail, 4 JSON of who they are
--         at the OpenID provider, 5 "claim": only when they are nobody there yet
-- out:    1 JSON of the user
-- errors: user-not-found, identity-taken
-- events: none
local json = redis.call("HGET", K.users, IN[1])
local user = json and cjson.decode(json)
if not user or (IN[2] ~= "" and IN[2] ~= string.format("%d", user.createdAt)) then
  return { "user-not-found", "name", IN[1] }
end
if IN[3] == "" then
  user.email = nil
elseif IN[3] ~= "=" then
  user.email = IN[3]
end
if IN[4] == "" then
  user.openid = nil
elseif IN[4] ~= "=" then
  local wish = cjson.decode(IN[4])
  local own = user.openid
  if IN[5] == "claim" and own and own.issuer == wish.issuer and own.subject ~= wish.subject then
    return { "identity-taken", "name", IN[1] }
  end
  for _, other in ipairs(redis.call("HVALS", K.users)) do
    local one = cjson.decode(other)
    if one.name ~= user.name and one.openid and one.openid.issuer == wish.issuer and one.openid.subject == wish.subject then
      return { "identity-taken", "name", one.name }
    end
  end
  user.openid = wish
end
json = cjson.encode(user)
redis.call("HSET", K.users, IN[1], json)
return { "ok", json }
