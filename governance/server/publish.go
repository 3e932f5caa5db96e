package server

import (
	"context"
	"log/slog"

	"github.com/aumos-enterprise/platform/governance/internal/publish"
)

// openSinks opens what takes signed heads out of the database: the checkpoint log always, Kafka when there are brokers. Who cannot be reached now gets
// them later, and keeps nobody from serving.
func openSinks(ctx context.Context, cfg Config, log *slog.Logger) (sinks []publish.Sink, closeSinks func(), err error) {
	file, err := publish.OpenFile(cfg.Audit.CheckpointLogPath())
	if err != nil {
		return nil, nil, err
	}
	closeFile := func() {
		if err := file.Close(); err != nil {
			log.LogAttrs(ctx, slog.LevelWarn, "the checkpoint log did not close", slog.Any("error", err))
		}
	}
	if !cfg.Kafka.Enabled() {
		return []publish.Sink{file}, closeFile, nil
	}
	kafka, err := publish.NewKafka(cfg.Kafka, name, log)
	if err != nil {
		closeFile()
		return nil, nil, err
	}
	return []publish.Sink{file, kafka}, func() {
		kafka.Close()
		closeFile()
	}, nil
}
