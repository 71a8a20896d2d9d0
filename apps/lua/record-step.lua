-- Journal: what a step found, written once.
-- in:     1 token, 2 deploy, 3 step, 4 JSON
-- out:    nothing
-- errors: fenced, deploy-not-found
-- events: none
if not is_newest(IN[1]) then return fenced(IN[1]) end
if get(at(K.deploy, IN[2]), "app") ~= APP then return { "deploy-not-found", "id", IN[2] } end
redis.call("HSETNX", at(K.deploySteps, IN[2]), IN[3], IN[4])
return { "ok" }
