// Package calibration holds every test of the catalog to its word: that it calls equal samples different with the probability that it was given,
// and different ones different more often.
//
// It has tests only. The quick ones run with all others; `make calibrate` runs the whole suite and writes docs/drift-calibration.md. Both go
// through detect.Catalog, so that a test that is added there is measured here.
package calibration
