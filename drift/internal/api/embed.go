package api

import (
	"context"

	"github.com/aumos-enterprise/platform/drift/internal/comparison"
	"github.com/aumos-enterprise/platform/drift/internal/embedding"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// embed asks the embedding service, in one of the slots for that.
func (s detections) embed(
	ctx context.Context, request comparison.Request, reserve func(bytes int64) error, baseline, current sample.Set,
) (comparison.Embeddings, error) {
	release, err := s.embeddings.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return request.Embed(ctx, s.Embedder, reserve, baseline, current)
}

// noEmbedder refuses to embed texts where there is nothing to do so.
func noEmbedder(field string) error {
	const setting = embedding.Settings + "URL"
	return errs.New(errs.FailedPrecondition, errs.ReasonEmbeddingNotConfigured, "the texts cannot be embedded: the drift service has no embedding service (its setting %s)", setting).
		With("setting", setting).Field(field, "is set, and there is no embedding service: leave it out, or have %s set", setting)
}
