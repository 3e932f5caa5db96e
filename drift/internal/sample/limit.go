package sample

// The limits of one upload. They are part of the contract (aumos.drift.v1.BaselineService).
const (
	MaxRows          = 1_000_000
	MaxCells         = 20_000_000 // a vector has as many as numbers
	MaxCategories    = 10_000     // distinct values of one categorical feature
	MaxCategoryBytes = 1_024      // one category's name
	// MaxNameBytes bounds the names of all categories of an upload together: without it 500 features could hold 5 GB of names.
	MaxNameBytes = 64 << 20
	MaxTextBytes = 65_536 // one text
	// MaxTextsBytes bounds all texts of an upload together.
	MaxTextsBytes = 256 << 20
)
