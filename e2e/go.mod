module github.com/aumos-enterprise/platform/e2e

go 1.26.0
