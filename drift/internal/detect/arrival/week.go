package arrival

import (
	"time"
)

const (
	hours = 7 * 24
	hour  = int64(time.Hour / time.Microsecond)
	// maxWindow bounds the hours that are walked through one by one: five years. A longer window covers every hour of the week alike.
	maxWindow = 5 * 366 * 24 * hour
)

// week is what one side has in each hour of the week, from Sunday midnight on.
type week struct {
	rows     [hours]float64
	exposure [hours]float64 // time that the window covers, in hours
}

// newWeek counts instants by the hour of the week in a zone. The first and the last instant only say where the window ends: given these, the
// others may lie anywhere in it. There are two at least.
func newWeek(times []int64, zone *time.Location) (w week) {
	first, last := times[0], times[len(times)-1]
	for _, t := range times[1 : len(times)-1] {
		h, _ := hourOfWeek(t, zone)
		w.rows[h]++
	}
	if last-first > maxWindow || last-first < 0 { // negative: the difference overflows
		for h := range w.exposure {
			w.exposure[h] = 1
		}
		return w
	}
	for t := first; t < last; {
		h, left := hourOfWeek(t, zone)
		left = min(left, last-t)
		w.exposure[h] += float64(left) / float64(hour)
		t += left
	}
	return w
}

// hourOfWeek returns the hour of the week in a zone, and what is left of it in microseconds, above 0.
func hourOfWeek(t int64, zone *time.Location) (h int, left int64) {
	local := time.UnixMicro(t).In(zone)
	into := int64(local.Minute())*60e6 + int64(local.Second())*1e6 + int64(local.Nanosecond())/1e3
	return int(local.Weekday())*24 + local.Hour(), hour - into
}
