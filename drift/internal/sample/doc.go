// Package sample owns uploaded data on its way to statistics: it checks column batches against the features that they must have, gathers them
// in bounded memory, and gives each feature's values in the canonical form that tests, fingerprints and storage share.
//
// It knows nothing of monitors, transport or the database.
package sample
