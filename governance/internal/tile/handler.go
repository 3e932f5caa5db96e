package tile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

const (
	// requestTimeout bounds the wait for a place, the reading and, for a checkpoint, the signing.
	requestTimeout = 20 * time.Second
	// maxRequests bounds the requests that hold a body, of up to 15 MB, at the same time: what a client that reads slowly can take of the service.
	maxRequests = 32
	// permission is what the contract requires to read the same over gRPC.
	permission = "audit.read"
)

const (
	typeNote = "text/plain; charset=utf-8"
	typeTile = "application/octet-stream"
	// A full tile is final. Other answers are asked for again, which their tags make cheap. Shared caches keep neither: both are a tenant's.
	cacheFinal   = "private, max-age=31536000, immutable"
	cacheChanges = "private, no-cache"
)

// handler serves the logs, each to those who may read it.
type handler struct {
	wall    *audit.Wall
	reading *reading.Recorder
	slots   chan struct{} // filled by requests under way
	timeout time.Duration // requestTimeout, except in tests
}

// serve answers a request that the chain has let through; its context carries the tenant.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
	defer cancel()
	_, path := splitPath(r.URL.EscapedPath())
	t := parsePath(path)
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		if err := r.Context().Err(); err != nil {
			return err // the caller has gone
		}
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too many requests are under way: retry later").Because(context.Cause(ctx))
	}
	body, err := h.read(ctx, t)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	header := w.Header()
	header.Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	header.Set("Vary", "Authorization") // whom a private cache belongs to is not for it to know
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", cacheChanges)
	header.Set("Content-Type", typeTile)
	switch {
	case t.kind == kindCheckpoint:
		header.Set("Content-Type", typeNote)
	case t.full():
		header.Set("Cache-Control", cacheFinal)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body)) // HEAD, If-None-Match and Range too
	return nil
}

// read returns what a target holds.
func (h *handler) read(ctx context.Context, t target) ([]byte, error) {
	switch t.kind {
	case kindCheckpoint:
		head, err := h.wall.Checkpoint(ctx)
		return []byte(head.Note), err
	case kindHashes:
		hashes, err := h.wall.TileHashes(ctx, t.tile)
		if err != nil {
			return nil, err
		}
		return concatenate(hashes), nil
	case kindEntries:
		leaves, err := h.wall.TileLeaves(ctx, t.tile)
		if err != nil {
			return nil, err
		}
		body, err := bundle(leaves)
		if err != nil {
			return nil, err
		}
		return body, h.reading.Note(ctx, reading.Read{RPC: "tile/entries", Indexes: t.tile.Leaves()})
	case kindUnknown:
	}
	return nil, errs.New(errs.NotFound, errs.ReasonNotFound, "not found")
}

// concatenate writes a tile of hashes.
func concatenate(hashes []tlog.Hash) []byte {
	body := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, hash := range hashes {
		body = append(body, hash[:]...)
	}
	return body
}

// bundle writes leaves, each after its length in two bytes.
func bundle(leaves [][]byte) ([]byte, error) {
	size := 0
	for _, leaf := range leaves {
		if len(leaf) > math.MaxUint16 { // auditlog.MaxLeafSize rules it out
			return nil, fmt.Errorf("write tile: a leaf of %d bytes does not fit its length", len(leaf))
		}
		size += 2 + len(leaf)
	}
	body := make([]byte, 0, size)
	for _, leaf := range leaves {
		body = binary.BigEndian.AppendUint16(body, uint16(len(leaf)))
		body = append(body, leaf...)
	}
	return body, nil
}
