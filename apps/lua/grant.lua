-- Gives a user a role with an app.
-- in:     1 user, 2 role
-- out:    nothing
-- errors: user-not-found, app-not-found
-- events: none
if redis.call("HEXISTS", K.users, IN[1]) == 0 then return { "user-not-found", "name", IN[1] } end
if redis.call("EXISTS", K.app) == 0 then return { "app-not-found", "name", APP } end
redis.call("HSET", at(K.userApps, IN[1]), APP, IN[2])
return { "ok" }
