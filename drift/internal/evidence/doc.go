// Package evidence owns the way of drift's facts onto the Audit Wall: every change and every detection is written down in the transaction that
// makes it, together with a job that records it in governance and keeps the receipt.
//
// What drift does never waits for governance. While governance is down evidence stays PENDING and is tried again for ever; once it is
// recorded it is recorded exactly once, because the entry's id is fixed before the first attempt and governance is idempotent on it.
//
// How governance is reached is not the package's business: it is given a Record function.
package evidence
