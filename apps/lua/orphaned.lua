-- in:     none
-- out:    1 if a deploy runs whose executor has no lease, else 0
-- errors: none
-- events: none
if get(K.app, "state") ~= "active" or not get(K.app, "running") then return { "ok", 0 } end
return { "ok", 1 - redis.call("EXISTS", K.lease) }
