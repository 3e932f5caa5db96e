package server

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// inOrder runs all parts until ctx ends or one of them returns, and then stops them one after the other: the first when ctx ends, each of the rest
// when all before it have returned. It returns the first error when all have.
func inOrder(ctx context.Context, parts ...func(ctx context.Context) error) error {
	ctx, stopAll := context.WithCancel(ctx)
	defer stopAll()
	var group errgroup.Group
	running := ctx // of the part at hand
	for _, part := range parts {
		own := running
		next, stopNext := context.WithCancel(context.WithoutCancel(ctx))
		running = next
		group.Go(func() error {
			err := part(own)
			stopAll()
			<-own.Done() // a part that returns by itself does not stop those behind it before those in front of it
			stopNext()
			return err
		})
	}
	return group.Wait()
}

// together runs all parts until ctx ends or one of them fails.
func together(parts ...func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, part := range parts {
			group.Go(func() error { return part(ctx) })
		}
		return group.Wait()
	}
}
