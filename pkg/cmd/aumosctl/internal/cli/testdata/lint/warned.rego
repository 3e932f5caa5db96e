package p

allow := true

lost := 1
