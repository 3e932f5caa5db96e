package server

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// part returns a function for inOrder that notes when it is stopped, and then waits to be let go.
func part(stopped chan<- string, name string, release <-chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		stopped <- name
		<-release
		return nil
	}
}

func TestInOrderStopsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stopped, done := make(chan string, 3), make(chan error, 1)
	names := []string{"server", "outbox", "wall"}
	var releases []chan struct{}
	var parts []func(context.Context) error
	for _, name := range names {
		release := make(chan struct{})
		releases = append(releases, release)
		parts = append(parts, part(stopped, name, release))
	}
	go func() { done <- inOrder(ctx, parts...) }()
	stop()
	for i, name := range names {
		if got := <-stopped; got != name {
			t.Fatalf("%s was stopped, want %s", got, name)
		}
		select {
		case got := <-stopped:
			t.Fatalf("%s was stopped before %s had returned", got, name)
		default:
		}
		close(releases[i])
	}
	if err := <-done; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestInOrderEndsAllWhenOneFails(t *testing.T) {
	t.Parallel()
	failure := errors.New("the listener is gone")
	var stopped []string
	note := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			stopped = append(stopped, name) // in turn: that is what is tested, with the race detector
			return nil
		}
	}
	fail := func(context.Context) error { return failure }
	if err := inOrder(t.Context(), note("server"), fail, note("wall")); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"server", "wall"}, stopped); diff != "" {
		t.Error(diff)
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	failure := errors.New("the listener is gone")
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}
	if err := together(wait, func(context.Context) error { return failure })(t.Context()); !errors.Is(err, failure) {
		t.Errorf("one fails: got %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := together(wait, wait)(ctx); err != nil {
		t.Errorf("both are stopped: got %v", err)
	}
}
