package interceptor

import (
	"google.golang.org/grpc/metadata"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// tenant decides the tenant that the call acts for.
func (c *Chain) tenant(call *call) error {
	id, err := tenantOf(call.principal, metadata.ValueFromIncomingContext(call.Context, tenant.MetadataKey))
	call.tenant = id
	return err
}

// tenantOf decides the tenant from the verified token and the x-tenant-id values. People act for their token's tenant and may repeat it; service
// principals act for the tenant they name, and for no other than their token's when it has one.
func tenantOf(p auth.Principal, values []string) (tenant.ID, error) {
	var named tenant.ID
	switch {
	case len(values) > 1:
		return tenant.ID{}, errs.InvalidField(tenant.MetadataKey, "stands more than once")
	case len(values) == 1:
		id, err := tenant.Parse(values[0])
		if err != nil {
			return tenant.ID{}, errs.InvalidField(tenant.MetadataKey, "is not a UUID in its canonical form").Because(err)
		}
		named = id
	}
	none := tenant.ID{}
	switch {
	case p.Kind == auth.KindService && named == none:
		return none, errs.New(errs.InvalidArgument, errs.ReasonTenantMissing, "a service principal names the tenant in %s", tenant.MetadataKey)
	case p.Kind != auth.KindService && p.Tenant == none:
		return none, errs.New(errs.InvalidArgument, errs.ReasonTenantMissing, "the token has no tenant_id claim")
	case p.Tenant != none && named != none && named != p.Tenant:
		return none, errs.New(errs.PermissionDenied, errs.ReasonTenantMismatch, "%s is not the token's tenant", tenant.MetadataKey)
	case p.Tenant != none:
		return p.Tenant, nil
	default:
		return named, nil
	}
}
