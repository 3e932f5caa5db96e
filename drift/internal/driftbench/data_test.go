package driftbench

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// sides are the columns of a data set: baselines sorted, as they are kept, and current values as they come.
type sides struct {
	baselines, currents [][]float64
}

func newSides(rows, columns int) sides {
	s := sides{baselines: make([][]float64, columns), currents: make([][]float64, columns)}
	for i := range columns {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		for _, side := range []*[]float64{&s.baselines[i], &s.currents[i]} {
			*side = make([]float64, rows)
			for j := range *side {
				(*side)[j] = rng.NormFloat64()
			}
		}
	}
	return s
}

// write puts the first columns where peers.py reads them. It must come before the baselines are sorted: peers get them as they come.
func (s sides) write(dir string, columns int) error {
	for i := range columns {
		if err := writeColumn(dir, fmt.Sprintf("baseline-%d", i), s.baselines[i]); err != nil {
			return err
		}
		if err := writeColumn(dir, fmt.Sprintf("current-%d", i), s.currents[i]); err != nil {
			return err
		}
	}
	return nil
}

func writeColumn(dir, name string, values []float64) error {
	f, err := os.Create(filepath.Join(dir, name+".f64"))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var word [8]byte
	for _, v := range values {
		binary.LittleEndian.PutUint64(word[:], math.Float64bits(v))
		_, _ = w.Write(word[:]) // Flush returns the error
	}
	if err := w.Flush(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func (s sides) sortBaselines() {
	for _, b := range s.baselines {
		detect.SortFloat64s(b)
	}
}

// peers runs peers.py and returns the median seconds of each thing that it measured.
func peers(b *testing.B, python string, args ...string) map[string]float64 {
	b.Helper()
	if python == "none" {
		return nil
	}
	cmd := exec.CommandContext(b.Context(), python, append([]string{"testdata/peers.py"}, args...)...)
	// One thread for numerical libraries: what is measured is the algorithm, and SciPy's here have one thread anyway.
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "DO_NOT_TRACK=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("run peers.py %s (make peers installs what it needs): %v", args[0], err)
	}
	var seconds map[string][]float64
	if err := json.Unmarshal(out, &seconds); err != nil {
		b.Fatal(err)
	}
	medians := map[string]float64{}
	for name, s := range seconds {
		medians[name] = median(s)
	}
	return medians
}

// timed returns the median seconds of work.
func timed(rounds int, work func()) float64 {
	seconds := make([]float64, rounds)
	for i := range seconds {
		start := time.Now()
		work()
		seconds[i] = time.Since(start).Seconds()
	}
	return median(seconds)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// resetPeak makes the kernel forget the largest resident size so far.
func resetPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600) }

// resident returns the resident size and the largest one since resetPeak, in bytes.
func resident() (now, peak float64, err error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var name string
		var size float64
		if n, _ := fmt.Sscanf(lines.Text(), "%s %f kB", &name, &size); n < 2 {
			continue
		}
		switch name {
		case "VmRSS:":
			now = size * 1024
		case "VmHWM:":
			peak = size * 1024
		}
	}
	return now, peak, nil
}

func text(n int) string { return strconv.Itoa(n) }
