package output

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Bar shows how far an operation is, on a terminal only.
type Bar struct {
	bar *progressbar.ProgressBar
}

// NewBar makes a bar that appears on w when w is a terminal, and otherwise does nothing.
func NewBar(w io.Writer, title string) *Bar { return newBar(w, title) }

// NewCountBar is NewBar with the count and the rate of what is done, in a unit.
func NewCountBar(w io.Writer, title, unit string) *Bar {
	return newBar(w, title, progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit))
}

// NewBytesBar is NewBar with the size and the rate of what is done, in bytes.
func NewBytesBar(w io.Writer, title string) *Bar {
	return newBar(w, title, progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true))
}

func newBar(w io.Writer, title string, options ...progressbar.Option) *Bar {
	if !IsTerminal(w) {
		return &Bar{}
	}
	return &Bar{bar: progressbar.NewOptions64(1, append([]progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(title),
		progressbar.OptionSetWidth(32),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "=", SaucerHead: ">", SaucerPadding: " ", BarStart: "[", BarEnd: "]"}),
	}, options...)...)}
}

// Set moves the bar. A bar that cannot be drawn is no reason to stop, so its errors are dropped.
func (b *Bar) Set(done, total int64) {
	if b.bar == nil || total <= 0 {
		return
	}
	if b.bar.GetMax64() != total {
		b.bar.ChangeMax64(total)
	}
	_ = b.bar.Set64(done)
}

// Done removes the bar.
func (b *Bar) Done() {
	if b.bar != nil {
		_ = b.bar.Clear()
		_ = b.bar.Exit()
	}
}
