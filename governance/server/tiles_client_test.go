package server_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is the layout's.
const tileHeight = 8

// logClient reads a log as a client of transparency logs does that knows of this service its URL and its key, and asks for a token.
type logClient struct {
	t     *testing.T
	base  string // of the log, without a slash at the end
	token string
	key   note.Verifier
	tiles map[string][]byte // as read
}

// get reads a path of the log.
func (c *logClient) get(path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+"/"+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return body, nil
}

// head reads and opens the checkpoint.
func (c *logClient) head() (tlog.Tree, string) {
	c.t.Helper()
	body, err := c.get("checkpoint")
	if err != nil {
		c.t.Fatal(err)
	}
	opened, err := note.Open(body, note.VerifierList(c.key))
	if err != nil {
		c.t.Fatalf("open checkpoint: %v", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != c.key.Name() || lines[3] != "" {
		c.t.Fatalf("the checkpoint says %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		c.t.Fatal(err)
	}
	return tlog.Tree{N: size, Hash: root}, string(body)
}

// tilePath adapts a path of package tlog to the layout.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), "tile/"+strconv.Itoa(tileHeight)+"/")
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	return "tile/" + path
}

// Height implements tlog.TileReader.
func (c *logClient) Height() int { return tileHeight }

// ReadTiles implements tlog.TileReader.
func (c *logClient) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := tilePath(tile)
		if c.tiles[path] == nil {
			body, err := c.get(path)
			if err != nil {
				return nil, err
			}
			c.tiles[path] = body
		}
		all[i] = c.tiles[path]
	}
	return all, nil
}

// SaveTiles implements tlog.TileReader.
func (c *logClient) SaveTiles([]tlog.Tile, [][]byte) {}

// leaves reads all entries of a tree.
func (c *logClient) leaves(size int64) [][]byte {
	c.t.Helper()
	var leaves [][]byte
	for n := int64(0); n<<tileHeight < size; n++ {
		width := min(size-n<<tileHeight, 1<<tileHeight)
		body, err := c.get(tilePath(tlog.Tile{H: tileHeight, L: -1, N: n, W: int(width)}))
		if err != nil {
			c.t.Fatal(err)
		}
		bundle, err := split(body)
		if err != nil || int64(len(bundle)) != width {
			c.t.Fatalf("entries %d: %d of %d: %v", n, len(bundle), width, err)
		}
		leaves = append(leaves, bundle...)
	}
	return leaves
}

// split reads a bundle of entries.
func split(bundle []byte) (leaves [][]byte, err error) {
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return nil, errors.New("the bundle is cut short")
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		leaves = append(leaves, bundle[2:end])
		bundle = bundle[end:]
	}
	return leaves, nil
}

// mirror is a copy of a log: the stored hashes of package tlog, from the leaves alone.
type mirror []tlog.Hash

// ReadHashes implements tlog.HashReader.
func (m mirror) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = m[index]
	}
	return hashes, nil
}

// rebuild hashes a log from its leaves.
func rebuild(t *testing.T, leaves [][]byte) mirror {
	t.Helper()
	var m mirror
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, m)
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, hashes...)
	}
	return m
}
