package p

late := 1
