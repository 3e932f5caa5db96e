package loans

allow if input.amount < data.limit
