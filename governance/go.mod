module github.com/aumos-enterprise/platform/governance

go 1.26.0
