module github.com/aumos-enterprise/platform/migrations

go 1.26.0
