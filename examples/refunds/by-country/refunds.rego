package refunds

default allow := false

allow if count(violations) == 0

amount_given if {
	is_number(input.amount)
	input.amount > 0
}

violations contains {"code": "NO_AMOUNT", "message": "there is no amount"} if not amount_given

limit := data.limits[input.country]

violations contains {"code": "ABOVE_LIMIT", "message": sprintf("%v is above the limit", [input.amount])} if input.amount > limit
