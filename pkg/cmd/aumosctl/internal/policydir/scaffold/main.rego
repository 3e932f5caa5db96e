package {{.Package}}

# Allowed is what violates nothing, and everything else is denied: without the default it would be an error.
default allow := false

allow if count(violations) == 0

violations contains {
	"code": "AMOUNT_TOO_HIGH",
	"message": sprintf("%v is more than the limit of %v", [input.amount, data.limits.amount]),
	"severity": "high",
} if {
	input.amount > data.limits.amount
}

# What is not said counts as missing, not as fine. A rule of its own asks, since `not is_number(input.amount)` would not hold without an amount.
violations contains {
	"code": "AMOUNT_MISSING",
	"message": "the amount is missing",
	"severity": "high",
} if {
	not amount_given
}

amount_given if is_number(input.amount)

# What the caller must do when it is allowed.
obligations contains {"id": "NOTIFY_RISK", "amount": input.amount} if {
	input.amount > data.limits.notify
}
