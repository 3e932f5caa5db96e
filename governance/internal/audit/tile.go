package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// TileHeight is the number of tree levels between the tiles of one level and of the next (c2sp.org/tlog-tiles).
	TileHeight = 8
	// TileWidth is the number of hashes, or of leaves, in a full tile.
	TileWidth = 1 << TileHeight
	// maxTileSize bounds the sizes of trees whose tiles are asked for, so that places fit an int64.
	maxTileSize = 1 << 60
)

// Tile says which hashes of a log, or which leaves, are asked for: the first Width of the Index-th tile of a level. Leaves stand at level 0.
type Tile struct {
	Level int
	Index int64
	Width int // 1 to TileWidth
}

// TileHashes returns the hashes of a tile. It fails with NOT_FOUND unless a checkpoint of the log has been signed that covers all of them.
func (w *Wall) TileHashes(ctx context.Context, t Tile) ([]tlog.Hash, error) {
	rows, err := w.readTile(ctx, t, false)
	if err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, len(rows))
	for i, r := range rows {
		hashes[i] = tlog.Hash(r.Hash)
	}
	return hashes, nil
}

// TileLeaves returns the leaves below a tile of level 0, on the terms of TileHashes. Each fits its stored hash.
func (w *Wall) TileLeaves(ctx context.Context, t Tile) ([][]byte, error) {
	if t.Level != 0 {
		return nil, t.notFound()
	}
	rows, err := w.readTile(ctx, t, true)
	if err != nil {
		return nil, err
	}
	leaves := make([][]byte, len(rows))
	for i, r := range rows {
		if auditlog.LeafHash(r.Leaf) != tlog.Hash(r.Hash) {
			return nil, inconsistent("entry %d does not have its stored hash", t.Index*TileWidth+int64(i))
		}
		leaves[i] = r.Leaf
	}
	return leaves, nil
}

// lastLeaves returns the indexes of the entries that complete the tile's nodes, in ascending order, or none when no tree is as large.
func (t Tile) lastLeaves() []int64 {
	shift := TileHeight * t.Level
	if t.Level < 0 || shift >= 60 || t.Index < 0 || t.Width < 1 || t.Width > TileWidth || t.Index >= maxTileSize>>shift/TileWidth {
		return nil
	}
	leaves := make([]int64, t.Width)
	for i := range leaves {
		leaves[i] = (t.Index*TileWidth+int64(i)+1)<<shift - 1
	}
	return leaves
}

// Leaves returns the indexes of the leaves of a tile of level 0.
func (t Tile) Leaves() []int64 {
	leaves := make([]int64, t.Width)
	for i := range leaves {
		leaves[i] = t.Index*TileWidth + int64(i)
	}
	return leaves
}

func (t Tile) notFound() error {
	return errs.ResourceNotFound("audit_tile", fmt.Sprintf("%d/%d.p/%d", t.Level, t.Index, t.Width))
}

// tileRow is the row of an entry that completes a node of a tile.
type tileRow struct {
	TreeSize  int64  // what the newest checkpoint covers
	LeafIndex *int64 // nil in the one row when no entry is found
	Hash      []byte // the node's
	Leaf      []byte // if asked for
}

// readTile returns a row for each node of a tile, in order. One query reads all and says what is covered.
func (w *Wall) readTile(ctx context.Context, t Tile, withLeaves bool) (found []tileRow, err error) {
	wanted := t.lastLeaves()
	if len(wanted) == 0 {
		return nil, t.notFound()
	}
	last := wanted[len(wanted)-1]
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		rows, err := tx.Query(ctx, `
			SELECT
				signed.tree_size, e.leaf_index, substring(e.hashes FROM @start::integer FOR 32) AS hash,
				CASE WHEN @leaves::boolean THEN e.entry END AS leaf
			FROM (
				SELECT coalesce(max(c.tree_size), 0) AS tree_size
				FROM public.gov_audit_checkpoints AS c
				WHERE c.tenant_id = @tenant_id
			) AS signed
			LEFT JOIN public.gov_audit_trail_entries AS e
				ON e.tenant_id = @tenant_id AND e.leaf_index = ANY (@indexes) AND signed.tree_size > @last
			ORDER BY e.leaf_index`,
			pgx.NamedArgs{
				"tenant_id": [16]byte(id), "indexes": wanted, "last": last, "leaves": withLeaves,
				"start": 1 + t.Level*TileHeight*tlog.HashSize, // each level below has a hash in front
			})
		if err != nil {
			return fmt.Errorf("read tile: %w", err)
		}
		if found, err = pgx.CollectRows(rows, pgx.RowToStructByName[tileRow]); err != nil {
			return fmt.Errorf("read tile: %w", err)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0 || found[0].TreeSize <= last:
		return nil, t.notFound()
	}
	for i, leaf := range wanted {
		if i >= len(found) || found[i].LeafIndex == nil || *found[i].LeafIndex != leaf || len(found[i].Hash) != tlog.HashSize {
			return nil, inconsistent("the node of level %d that entry %d completes is missing", t.Level*TileHeight, leaf)
		}
	}
	return found[:len(wanted)], nil
}
