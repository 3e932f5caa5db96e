package loans_test

import data.loans

test_limit if not loans.allow with input as {"amount": 11}
