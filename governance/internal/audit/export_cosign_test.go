package audit

import (
	"context"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Witnessed signs the platform log's head and waits for witnesses as a commitment does.
func (w *Wall) Witnessed(ctx context.Context) (auditlog.SignedHead, error) {
	head, err := w.Checkpoint(tenant.NewContext(ctx, auditlog.PlatformTenant))
	if err != nil {
		return auditlog.SignedHead{}, err
	}
	return w.witnessed(ctx, head)
}
