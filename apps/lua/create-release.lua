-- in:     1 token, 2 deploy, 3 JSON of the release without `n` and `createdAt`
-- out:    JSON of the deploy's release, made now or before
-- errors: fenced, deploy-not-found
-- events: deploy event
local token, id, json = IN[1], IN[2], IN[3]
local key = at(K.deploy, id)
if not is_newest(token) then return fenced(token) end
if get(key, "app") ~= APP then return { "deploy-not-found", "id", id } end
local n = get(key, "release")
if not n then
  n = redis.call("HINCRBY", K.app, "releaseSeq", 1)
  redis.call("HSET", K.releases, n, string.format('{"n":%d,"createdAt":%s,', n, now()) .. json:sub(2))
  redis.call("HSET", key, "release", n)
  deploy_changed(id)
end
return { "ok", get(K.releases, n) }
