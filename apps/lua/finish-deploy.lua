-- in:     1 token, 2 deploy, 3 final state, 4 why, or empty
-- out:    nothing
-- errors: fenced, deploy-not-found
-- events: deploy event
if not is_newest(IN[1]) then return fenced(IN[1]) end
if get(at(K.deploy, IN[2]), "app") ~= APP then return { "deploy-not-found", "id", IN[2] } end
finish(IN[2], IN[3], IN[4])
return { "ok" }
