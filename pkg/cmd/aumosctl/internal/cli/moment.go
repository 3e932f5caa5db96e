package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

// timeRange reads --since and --until. Without either there is no range.
func timeRange(since, until string, now time.Time) (*typev1.TimeRange, error) {
	start, err := moment("--since", since, now)
	if err != nil {
		return nil, err
	}
	end, err := moment("--until", until, now)
	if err != nil || start == nil && end == nil {
		return nil, err
	}
	return &typev1.TimeRange{StartTime: start, EndTime: end}, nil
}

// moment reads a time, or how long before now it was.
func moment(flag, text string, now time.Time) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil // no time is an answer
	}
	if ago, err := parseSpan(text); err == nil {
		return timestamppb.New(now.Add(-ago)), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("%s %q is neither a time such as 2026-11-22T10:00:00Z nor a duration such as 24h or 7d", flag, text)
	}
	at := timestamppb.New(t)
	if !at.IsValid() { // in the year 0, or through its zone after 9999
		return nil, fmt.Errorf("%s %q is not in the years 1 to 9999", flag, text)
	}
	return at, nil
}

// parseSpan reads a span of time as time.ParseDuration does, or in days.
func parseSpan(text string) (time.Duration, error) {
	days, ok := strings.CutSuffix(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseInt(days, 10, 16) // nobody means more than some 90 years
	return time.Duration(n) * 24 * time.Hour, err
}

// parseLength reads how long something is to take.
func parseLength(flag, text string) (time.Duration, error) {
	d, err := parseSpan(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s %q is no duration, for example 12h or 30d", flag, text)
	}
	return d, nil
}
