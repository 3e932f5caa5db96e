package {{.Package}}_test

import data.{{.Package}}

test_allows_small_amounts if {
	{{.Last}}.allow with input as {"amount": 10}
}

test_denies_what_has_no_amount if {
	not {{.Last}}.allow with input as {}
}
