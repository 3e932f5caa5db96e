package p

allow if http.send({})
