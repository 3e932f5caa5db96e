// Package detect decides whether a model's features have drifted.
//
// It compares a baseline sample of each feature with a current one, runs the
// tests that the feature asks for, corrects the p-values of the whole run for
// multiple testing and turns them into verdicts. A feature drifts only when a
// test is both significant and larger than the smallest effect that matters.
//
// The package is pure: it does no input or output, keeps no state, and gives
// the same run for the same input. The tests themselves, with their
// mathematics, live in the package contingency. Reading observations, storing
// runs and raising alerts belong to the callers.
package detect
