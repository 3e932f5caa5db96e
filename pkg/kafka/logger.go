package kafka

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logEvery is how often the same message of the client is logged.
const logEvery = time.Minute

// logger gives the client's warnings and errors to the service's log; what is below, the client says of every request. While brokers are away it
// says the same of every attempt: of each message that is logged once in a while.
type logger struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]time.Time // by message, which are constants of the client
}

func newLogger(log *slog.Logger) *logger { return &logger{log: log, last: map[string]time.Time{}} }

// Level implements kgo.Logger.
func (l *logger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log implements kgo.Logger.
func (l *logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if !l.due(msg) {
		return
	}
	at := slog.LevelWarn
	if level == kgo.LogLevelError {
		at = slog.LevelError
	}
	l.log.Log(context.Background(), at, "kafka client: "+msg, keyvals...)
}

func (l *logger) due(msg string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if last, said := l.last[msg]; said && now.Sub(last) < logEvery {
		return false
	}
	l.last[msg] = now
	return true
}
