-- Takes a certificate of an app away. No-op when it is gone.
-- in:     1 certificate id
-- out:    1 if it was there, else 0
-- errors: none
-- events: certificates
local had = redis.call("HDEL", K.certificates, APP .. " " .. IN[1])
if had == 1 then
  redis.call("INCR", K.certificatesSeq)
  redis.call("PUBLISH", K.certificateEvents, APP)
end
return { "ok", had }
