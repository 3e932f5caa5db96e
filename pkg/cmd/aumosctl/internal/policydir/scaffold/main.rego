package {{.Package}}

# Allowed is what violates nothing.
allow if count(violations) == 0

violations contains {
	"code": "AMOUNT_TOO_HIGH",
	"message": sprintf("%v is more than the limit of %v", [input.amount, data.limits.amount]),
	"severity": "high",
} if {
	input.amount > data.limits.amount
}

# What is not said counts as missing, not as fine.
violations contains {
	"code": "AMOUNT_MISSING",
	"message": "the amount is missing",
	"severity": "high",
} if {
	not is_number(input.amount)
}

# What the caller must do when it is allowed.
obligations contains {"id": "NOTIFY_RISK", "amount": input.amount} if {
	input.amount > data.limits.notify
}
